"""The benchmarks run, count what they say they count, and say it in the agreed form. Speed is no test's."""

import json
import socket
import threading
from pathlib import Path

import pytest

from tests.bench import __main__ as bench
from tests.bench.measures import AT_LEAST, AT_MOST, Measure, Options, measure, table
from tests.bench.proxy import proxy_to


def test_a_goal_holds_at_its_bound_and_not_beyond() -> None:
    assert measure("x", ours="", ratio=3.0, sense=AT_MOST, goal=3).holds
    assert not measure("x", ours="", ratio=3.1, sense=AT_MOST, goal=3).holds
    assert measure("x", ours="", ratio=0.7, sense=AT_LEAST, goal=0.7).holds
    assert not measure("x", ours="", ratio=0.69, sense=AT_LEAST, goal=0.7).holds


def test_one_table_is_printed_and_the_same_is_written_as_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [measure("a look", ours="5", limit="6", ratio=5 / 6, sense=AT_MOST, goal=1)]
    asked: list[Options] = []

    def benchmark(options: Options) -> list[object]:
        asked.append(options)
        return list(rows)

    monkeypatch.setattr(bench, "BENCHMARKS", {"look": benchmark, "stream": benchmark})
    file = tmp_path / "bench.json"
    assert bench.main(["look", "--links", "12", "--json", str(file)]) == 0
    assert asked == [Options(links=12)]
    assert capsys.readouterr().out == table(rows) + "\n"
    (row,) = json.loads(file.read_text())
    assert list(row) == ["what", "ours", "peer", "limit", "ratio", "goal", "holds"]
    rows[0] = measure("a look", ours="7", limit="6", ratio=7 / 6, sense=AT_MOST, goal=1)
    assert bench.main([]) == 1
    assert len(asked) == 3


def test_one_that_fails_takes_no_other_figure_away(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [measure("a look", ours="5", limit="6", ratio=5 / 6, sense=AT_MOST, goal=1)]

    def fails(_options: Options) -> list[Measure]:
        raise RuntimeError("no driver")

    monkeypatch.setattr(bench, "BENCHMARKS", {"stream": fails, "look": lambda _options: rows})
    assert bench.main([]) == 1
    told = capsys.readouterr()
    assert "stream: not measured" in told.out
    assert "a look" in told.out
    assert "no driver" in told.err


@pytest.mark.parametrize("wrong", [["nothing"], ["--links", "0"], ["--links", "many"]])
def test_wrong_use_is_said_and_nothing_runs(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        bench.main(wrong)
    assert ended.value.code == 2
    assert "bench" in capsys.readouterr().err


def test_the_proxy_counts_the_turns_of_a_talk() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def echo() -> None:
            client, _ = listener.accept()
            with client:
                while data := client.recv(100):
                    client.sendall(data)

        threading.Thread(target=echo, daemon=True).start()
        with (
            proxy_to(listener.getsockname()[1]) as proxy,
            socket.create_connection(("127.0.0.1", proxy.port)) as client,
        ):
            for _turn in range(3):
                client.sendall(b"question")
                assert client.recv(100) == b"question"
            assert proxy.round_trips == 4  # with the opening


def test_a_small_company_keeps_the_goals_that_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    from tests.bench.adapter import _statements
    from tests.bench.books import server

    with server() as books:
        spec = books.company(100)
        one = _statements("statements of a look", spec, 1, 1, most=4)
    assert one.holds
    assert int(one.ours) >= 2
