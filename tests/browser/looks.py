"""How a page is looked at: every pair of screen, theme and language is among four looks, and that is where pages differ."""

LOOKS = [
    ("phone", "dark", "zh-hans"),
    ("phone", "light", "en"),
    ("desktop", "light", "zh-hans"),
    ("desktop", "dark", "en"),
]
