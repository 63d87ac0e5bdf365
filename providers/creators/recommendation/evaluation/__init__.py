"""Does the recommendation find what people really chose? Measured on ratings of real diners."""
