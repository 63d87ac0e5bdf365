"""A country of creators and tasks for the board's benchmark, by set-based SQL."""

from collections.abc import Sequence
from typing import Any

from django.db import connection, transaction
from django_scopes import scope

from benchmarks.filling import fill_shop
from coupons.enums import DealState
from coupons.models import Deal
from merchants.enums import Category

MERCHANTS = 500
DEALS_EACH = 4
# Eight cities of very different size, as weights; a creator's board is fullest in the largest.
CITIES = [
    ("重庆", 106.55, 29.56, 30), ("成都", 104.07, 30.66, 25), ("上海", 121.47, 31.23, 20), ("杭州", 120.15, 30.27, 10),
    ("长沙", 112.94, 28.23, 6), ("昆明", 102.83, 24.88, 4), ("南宁", 108.37, 22.82, 3), ("三亚", 109.51, 18.25, 2),
]  # fmt: skip

_CITY = """
CREATE TEMP TABLE bench_city AS
SELECT name, east, north, sum(weight) OVER (ORDER BY place) - weight AS first, sum(weight) OVER (ORDER BY place) AS after
FROM unnest(%(names)s::text[], %(easts)s::float8[], %(norths)s::float8[], %(weights)s::int[])
    WITH ORDINALITY AS t (name, east, north, weight, place)
"""
# Random numbers by the row's number, so that every run fills the same country. Places thin out from a city's middle.
_DICE = """
CREATE FUNCTION pg_temp.dice(n bigint, salt int) RETURNS float8 LANGUAGE sql IMMUTABLE AS $$
  SELECT (hashint8extended(n, salt) & 1048575) / 1048576.0 $$
"""
_CREATORS = """
WITH one AS (
    SELECT n, '达人' || n AS name, c.name AS city, c.east, c.north
    FROM generate_series(1, %(count)s) n
    JOIN bench_city c ON pg_temp.dice(n, 1) * 100 >= c.first AND pg_temp.dice(n, 1) * 100 < c.after),
users AS (
    INSERT INTO identity_user (password, is_superuser, name, language, is_active, is_staff)
    SELECT '!', false, name, '', true, false FROM one RETURNING id, name),
parties AS (INSERT INTO identity_party (kind, name) SELECT 'creator', name FROM one RETURNING id, name),
grants AS (
    INSERT INTO identity_grant (user_id, party_id, role, why, scopes)
    SELECT u.id, p.id, 'owner', 'creator', '{}' FROM users u JOIN parties p USING (name))
INSERT INTO creators_creator (party_id, user_id, name, city, district, longitude, latitude, radius_km, categories, channels, followers)
SELECT p.id, u.id, one.name, one.city, '',
    one.east + 0.25 * (pg_temp.dice(n, 2) ^ 2) * cos(6.2832 * pg_temp.dice(n, 3)),
    one.north + 0.25 * (pg_temp.dice(n, 2) ^ 2) * sin(6.2832 * pg_temp.dice(n, 3)),
    (ARRAY[3, 5, 10, 20])[1 + n %% 4],
    ARRAY[(%(categories)s::text[])[1 + n %% 10], (%(categories)s::text[])[1 + (n / 10) %% 10]],
    '[]', floor(10 ^ (1 + 4 * pg_temp.dice(n, 4)))
FROM one JOIN users u USING (name) JOIN parties p USING (name)
"""
_TASKS = """
INSERT INTO creators_creatortask (merchant_id, deal_id, store_id, title, brief, kind, category, city, district, longitude, latitude,
    commission_bps, quota, taken, min_followers, sample, opens_at, closes_at, state, created_by_id)
SELECT d.merchant_id, d.id, s.id, '拍一条短视频 ' || n, '', CASE WHEN n %% 5 = 0 THEN 'live' ELSE 'video' END,
    (%(categories)s::text[])[1 + (d.merchant_id / 4096) %% 10], c.name, '',
    c.east + 0.25 * (pg_temp.dice(n, 12) ^ 2) * cos(6.2832 * pg_temp.dice(n, 13)),
    c.north + 0.25 * (pg_temp.dice(n, 12) ^ 2) * sin(6.2832 * pg_temp.dice(n, 13)),
    500 + n %% 1500, 1 + n %% 20, 0, CASE n %% 3 WHEN 0 THEN 1000 WHEN 1 THEN 10000 ELSE 0 END, n %% 4 = 0,
    now() - make_interval(days => (n %% 60)::int), now() + interval '30 days', 'open', %(owner)s
FROM generate_series(1, %(count)s) n
JOIN bench_city c ON pg_temp.dice(n, 11) * 100 >= c.first AND pg_temp.dice(n, 11) * 100 < c.after
JOIN (SELECT id, merchant_id, row_number() OVER (ORDER BY id) - 1 AS place FROM coupons_deal) d ON d.place = n %% %(deals)s
JOIN merchants_store s ON s.merchant_id = d.merchant_id
"""
# One task in fifty is for ten chosen creators; each creator has had about six places near him, and hid one task.
_TARGETED = """
INSERT INTO creators_creatortask_targeted (creatortask_id, creator_id)
SELECT t.id, c.party_id FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM creators_creatortask) t
JOIN generate_series(0, 9) k ON t.n %% 50 = 0
JOIN (SELECT party_id, row_number() OVER (ORDER BY party_id) - 1 AS n FROM creators_creator) c
    ON c.n = (t.n * 37 + k * 101) %% %(creators)s
"""
_CLAIMS = """
INSERT INTO creators_taskclaim (merchant_id, task_id, creator_id, state, commission_bps, reason, proof_url, claimed_at, approved_at,
    submitted_at, ended_at)
SELECT t.merchant_id, t.id, c.party_id, CASE WHEN k = 0 THEN 'quit' ELSE 'accepted' END, 800, '',
    CASE WHEN k = 0 THEN '' ELSE 'https://example.com/v' END, now(), now(), CASE WHEN k = 0 THEN NULL ELSE now() END,
    CASE WHEN k = 0 THEN now() END
FROM (SELECT party_id, city, row_number() OVER (ORDER BY party_id) AS n FROM creators_creator) c
JOIN (SELECT city, count(*) AS number FROM creators_creatortask GROUP BY city) o ON o.city = c.city
JOIN generate_series(0, 5) k ON true
JOIN (SELECT id, merchant_id, city, row_number() OVER (PARTITION BY city ORDER BY id) AS n FROM creators_creatortask) t
    ON t.city = o.city AND t.n = 1 + (c.n * 7919 + k * 104729) %% o.number
"""
_TAKEN = """
UPDATE creators_creatortask t SET taken = c.taken, quota = t.quota + c.taken
FROM (SELECT task_id, count(*) AS taken FROM creators_taskclaim WHERE state = 'accepted' GROUP BY task_id) c
WHERE c.task_id = t.id
"""
_HIDDEN = """
INSERT INTO creators_hiddentask (creator_id, task_id)
SELECT c.party_id, t.id FROM (SELECT party_id, row_number() OVER (ORDER BY party_id) AS n FROM creators_creator) c
JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS n FROM creators_creatortask) t ON t.n = (c.n * 15485863) %% %(tasks)s
"""
_RECORDS = """
INSERT INTO creators_dealrecord (deal_id, decided, redeemed, counted_at)
SELECT id, 200, 100 + (id / 4096) %% 100, now() FROM coupons_deal WHERE (id / 4096) %% 5 > 0
"""
_CREATOR_RECORDS = """
INSERT INTO creators_creatorrecord (creator_id, accepted, decided, redeemed, counted_at)
SELECT party_id, party_id / 4096 %% 8, 50, 40, now() FROM creators_creator
"""


def fill_board(*, creators: int, tasks: int, merchants: int = MERCHANTS) -> None:
    """So many creators and so many open tasks of so many merchants in eight cities, with histories, targets and hidden tasks."""
    owner = _fill_merchants(merchants)
    values: dict[str, Any] = {
        "names": [city[0] for city in CITIES],
        "easts": [city[1] for city in CITIES],
        "norths": [city[2] for city in CITIES],
        "weights": [city[3] for city in CITIES],
        "categories": list(Category.values),
        "owner": owner,
        "deals": merchants * DEALS_EACH,
        "creators": creators,
        "tasks": tasks,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_DICE)
        cursor.execute(_CITY, values)
        cursor.execute(_CREATORS, values | {"count": creators})
        cursor.execute(_TASKS, values | {"count": tasks})
        for statement in (_TARGETED, _CLAIMS, _TAKEN, _HIDDEN, _RECORDS, _CREATOR_RECORDS):
            cursor.execute(statement, values)


def pick_users(*, count: int) -> Sequence[int]:
    """Users of creators from all over the country, always the same."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT user_id FROM creators_creator ORDER BY hashint8(party_id), party_id LIMIT %s", [count]
        )
        return [pk for (pk,) in cursor.fetchall()]


def _fill_merchants(count: int) -> int:
    """Merchants with a store and deals on sale; whose they are."""
    owner = 0
    for number in range(count):
        shop = fill_shop(slug=f"board-{number}", stores=1)
        owner = shop.owner.pk
        with scope(merchant=shop.merchant.pk):
            Deal.objects.bulk_create(
                Deal(
                    merchant=shop.merchant, title=f"套餐{more}", price_fen=9_900, list_price_fen=12_800,
                    state=DealState.ONLINE,
                )
                for more in range(1, DEALS_EACH)
            )  # fmt: skip
    return owner
