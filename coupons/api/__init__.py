"""The API of shop, orders, coupons, payments and the counter: a view parses, makes one domain call, answers."""
