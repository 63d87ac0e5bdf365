"""A rehearsal of a live session: shadow customers storm a shadow copy of its deals while things are broken on purpose.

It is a process of its own (`manage.py rehearse`), with a web server, worker, relay and Valkey of its own beside it, so
that what it breaks harms nobody else; the PostgreSQL it uses is the installation's, because that is what is rehearsed.
"""
