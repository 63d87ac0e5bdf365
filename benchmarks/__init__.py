"""Measuring: `manage.py bench NAME [--json]`, `make bench`.

A benchmark is a function in a module of `benchmarks/cases/`; modules found there are registered by themselves:

    @bench("order-hot", help="orders of one deal, over HTTP")
    def run(options: Options) -> Result:
        merchant = fill_merchant(slug="rush")                        # filling.py: a shop with stores, clerks, a deal
        fill_orders_and_coupons(merchant, count=options.rows or 300_000)
        settle_down()                                                # database.py: VACUUM ANALYZE, CHECKPOINT
        with running_web() as ours, running_web("benchmarks.floor.wsgi") as floor:
            rounds = measure_rounds(options, {
                "ours": lambda seconds: measure_http(ours, requests, seconds=seconds),
                "floor": lambda seconds: measure_http(floor, others, seconds=seconds),
                "limit": lambda seconds: run_pgbench(SQL, seconds=seconds),
            })
        return Result.of_rounds(rounds, ratio=("ours", "floor"))

What a case finds when it is called, so that it need not care:

* **A database of its own**, migrated and empty, at default durability (asserted), and an empty Redis database of its
  own. They are in the environment of its process and of every process it starts, so Django's `connection`, the cache,
  Celery and `running_web` all use them. The database is dropped afterwards, also after Ctrl-C or a crash; the
  installation's data is left alone.
* Its options: `seconds` per round, `rounds`, `rows`, `connections`; None where the caller said nothing, so each case
  has its own defaults.

Rules: ours, floor and limit are measured **in turns in one run** (`measure_rounds`; medians of rounds), since the speed
of a machine drifts; trust the ratios. The load comes from a process of its own, the same for ours and for the floor.
Every answer is checked; one wrong answer fails the benchmark. Progress goes to standard error (`say`), figures that
have no key in the JSON too (`Result.more`). Figures that were kept are in `docs/performance/`.
"""
