"""Who may place an order now: Redis turns away the hopeless early and holds a fair waiting room; PostgreSQL alone sells.

A package of its own and no app, because it keeps no rows: what it knows may be lost at any moment (docs/admission.md).
It stands between the API and the domain, which knows no Redis.
"""
