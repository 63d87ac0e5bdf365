"""The embedded servers survive what happens to servers on somebody's laptop."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator

import psycopg
import pytest
import redis
from django.conf import settings

from core.embedded import DataFolder, Servers, find_data_folder, local_secret_key
from core.embedded.servers import MARK

pytestmark = pytest.mark.fault


@pytest.fixture
def folder() -> Iterator[DataFolder]:
    folder = DataFolder(find_data_folder().path / f"t{uuid.uuid4().hex[:8]}")
    yield folder
    for server in (Servers(folder).postgres, Servers(folder).valkey):
        server.stop()
    shutil.rmtree(folder.sockets, ignore_errors=True)
    shutil.rmtree(folder.path, ignore_errors=True)


@pytest.fixture
def servers(folder) -> Servers:
    servers = Servers(folder)
    assert servers.start() is True
    return servers


def remember(servers: Servers, word: str) -> None:
    with psycopg.connect(servers.postgres.url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS memory (word text)")
        connection.execute("INSERT INTO memory VALUES (%s)", [word])
    redis.Redis.from_url(servers.valkey.url()).sadd("memory", word)


def recall(servers: Servers) -> tuple[set[str], set[str]]:
    with psycopg.connect(servers.postgres.url) as connection:
        rows = connection.execute("SELECT word FROM memory").fetchall()
    members = redis.Redis.from_url(servers.valkey.url()).smembers("memory")
    return {word for (word,) in rows}, {member.decode() for member in members}


def manage(*arguments: str, folder: DataFolder, **variables: str) -> subprocess.CompletedProcess[str]:
    ours = {MARK, "DATABASE_URL", "REDIS_URL", "TONGDAO_DATA"}
    environment = {name: value for name, value in os.environ.items() if name not in ours}
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=settings.ROOT,
        env={**environment, "TONGDAO_DATA": str(folder.path), **variables},
        capture_output=True,
        text=True,
    )


def test_killed_servers_come_back_with_their_data(servers, capsys):
    remember(servers, "kept")
    for server in (servers.postgres, servers.valkey):
        os.kill(server.pid(), signal.SIGKILL)
    while servers.postgres.pid() or servers.valkey.pid():
        time.sleep(0.01)
    assert servers.start() is True
    assert recall(servers) == ({"kept"}, {"kept"})
    said = capsys.readouterr().err
    assert "PostgreSQL was not stopped properly last time" in said
    assert "Valkey was not stopped properly last time" in said


def test_a_pid_file_that_names_a_living_stranger_is_recovered_from(servers, capsys):
    remember(servers, "kept")
    files = (servers.postgres.data / "postmaster.pid", servers.valkey.pid_file)
    lines = [file.read_text().splitlines(keepends=True) for file in files]
    servers.stop()
    for file, (_own, *rest) in zip(files, lines, strict=True):
        file.write_text("".join([f"{os.getpid()}\n", *rest]))
    capsys.readouterr()
    assert servers.start() is True
    assert recall(servers) == ({"kept"}, {"kept"})
    assert f"process {os.getpid()} is gone" in capsys.readouterr().err


def test_an_interrupted_first_start_is_begun_anew(folder):
    folder.create()
    (folder.postgres / "base").mkdir(parents=True)
    servers = Servers(folder)
    servers.start()
    remember(servers, "first")
    assert recall(servers) == ({"first"}, {"first"})


def test_files_of_another_version_are_refused_with_postgresqls_own_words(servers):
    servers.stop()
    version = servers.postgres.data / "PG_VERSION"
    version.write_text("17\n")
    with pytest.raises(SystemExit, match="initialized by PostgreSQL version 17"):
        servers.start()
    version.write_text("18\n")


def test_starting_twice_starts_once(servers):
    pids = servers.postgres.pid(), servers.valkey.pid()
    assert servers.start() is False
    assert (servers.postgres.pid(), servers.valkey.pid()) == pids


def test_the_last_user_out_stops_the_servers(servers):
    second = Servers(servers.folder)
    assert second.start() is False
    assert servers.stop() is False
    assert second.postgres.is_ready()
    assert second.valkey.is_ready()
    assert second.stop() is True
    assert (second.postgres.pid(), second.valkey.pid()) == (None, None)


def test_two_folders_never_touch_each_other(servers, folder):
    other = DataFolder(folder.path / "other")
    beside = Servers(other)
    beside.start()
    remember(servers, "here")
    remember(beside, "there")
    assert recall(servers) == ({"here"}, {"here"})
    assert recall(beside) == ({"there"}, {"there"})
    beside.stop()
    assert recall(servers) == ({"here"}, {"here"})


def test_two_processes_that_start_at_once_share_one_server(folder):
    script = (
        "import sys, pathlib, core.embedded as e;"
        "s = e.Servers(e.DataFolder(pathlib.Path(sys.argv[1]))); s.start();"
        "print(s.postgres.pid(), s.valkey.pid(), flush=True); input(); s.stop()"
    )
    starts = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(folder.path)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    first, second = (start.stdout.readline() for start in starts)
    assert first == second != ""
    for start in starts:
        start.communicate("\n")
    assert (Servers(folder).postgres.pid(), Servers(folder).valkey.pid()) == (None, None)


def test_a_path_too_long_for_sockets_gets_a_private_folder_for_them(folder):
    deep = DataFolder(folder.path / ("deep" * 20) / "数据 folder")
    servers = Servers(deep)
    servers.start()
    try:
        assert not deep.sockets.is_relative_to(deep.path)
        assert stat.S_IMODE(deep.sockets.stat().st_mode) == 0o700
        remember(servers, "deep")
        assert recall(servers) == ({"deep"}, {"deep"})
    finally:
        servers.stop()
        shutil.rmtree(deep.sockets)


def test_a_socket_folder_of_somebody_else_is_refused(folder):
    deep = DataFolder(folder.path / ("deep" * 20))
    deep.sockets.mkdir(mode=0o777)
    deep.sockets.chmod(0o777)
    try:
        with pytest.raises(SystemExit, match="belongs to somebody else"):
            Servers(deep).start()
    finally:
        deep.sockets.rmdir()


def test_a_command_starts_the_servers_and_stops_them(folder):
    asked = manage(
        "shell",
        "-v0",
        "-c",
        "from django.db import connection as c; c.ensure_connection(); print('ok')",
        folder=folder,
    )
    assert (asked.returncode, asked.stdout) == (0, "ok\n"), asked.stderr
    assert (folder.postgres / "PG_VERSION").exists()
    assert (Servers(folder).postgres.pid(), Servers(folder).valkey.pid()) == (None, None)


def test_a_command_without_need_starts_nothing(folder):
    assert manage("version", folder=folder).returncode == 0
    assert manage("migrate", "--help", folder=folder).returncode == 0
    assert manage("check", folder=folder).returncode == 0
    assert not folder.postgres.exists()


def test_with_a_database_of_the_operator_nothing_is_embedded(folder):
    elsewhere = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "SECRET_KEY": "x" * 50}
    asked = manage("migrate", folder=folder, **elsewhere)
    assert asked.returncode != 0
    assert "127.0.0.1" in asked.stderr
    assert not folder.postgres.exists()


def test_an_operator_must_choose_a_secret_key(folder):
    elsewhere = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}
    refused = manage("check", folder=folder, **elsewhere)
    assert refused.returncode == 1
    assert refused.stderr.startswith("SECRET_KEY is not set: ")
    assert refused.stderr.count("\n") == 1
    assert manage("check", folder=folder, **elsewhere, DEBUG="on").returncode == 0


def test_the_local_secret_key_stays_and_is_private(folder, monkeypatch):
    monkeypatch.setenv("TONGDAO_DATA", str(folder.path))
    key = local_secret_key()
    assert len(key) >= 50
    assert local_secret_key() == key
    assert stat.S_IMODE((folder.path / "secret-key").stat().st_mode) == 0o600
