# SPDX-License-Identifier: GPL-2.0-only
"""What people and monitoring systems see of a fleet: the page, and the figures."""

import base64
import hashlib
import re
import socket
import time
import urllib.error
import urllib.request

import pytest

from lab.fleet import free_port, until
from lab.page import LOADS

pytestmark = pytest.mark.check


@pytest.fixture(scope="module")
def hosts(shared):
    """One that is well, one that never answers, and one whose entries are missing."""
    with shared.host("well") as well, shared.host("quiet"), shared.host("another") as another:
        shared.start_agent(well, "well")
        shared.add("another", well.folder / "ak.pem")
        shared.start_agent(another, "another")
        shared.becomes("well", "complete")
        shared.becomes("quiet", "silent")
        shared.becomes("another", "not authentic")
        yield ("another", "quiet", "well")


@pytest.fixture
def page(shared, hosts, tmp_path):
    done = shared.fleet("status", shared.folder, "--html", tmp_path / "page.html")
    assert done.status == 4 and done.says("^another "), done.text
    return (tmp_path / "page.html").read_text(encoding="utf-8")


# ---- The page

def test_page_has_each_host_with_its_status_the_worst_first(page, hosts):
    rows = re.findall("<tr><td>(.*?)</td><td.*?>(.*?)</td>", page)
    assert rows == list(zip(hosts, ("not authentic", "silent", "complete")))


def test_page_is_headed_by_the_numbers(page):
    heading = re.search("<h1>.*\n(.*)</h1>", page)[1]
    assert heading == "3 hosts: 1 not authentic, 1 silent, 1 complete" and f"<title>{heading}</title>" in page


def test_page_shows_the_sign_of_the_worst(page):
    assert '<body class="bad">' in page


def test_page_says_why_and_since_when(page):
    rows = {name: row for name, row in re.findall("<tr><td>([a-z]+)</td>(.*)</tr>", page)}
    assert re.search('class="why">[^<]*no answer since 20[0-9-]+ [0-9:]+</td>', rows["quiet"])
    assert re.search('class="why">[^<]*signature', rows["another"])


def test_page_loads_nothing_and_allows_its_own_style_alone(page):
    style = re.search("<style>(.*)</style>", page, re.S)[1]
    allowed = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{allowed}'; base-uri" in page
    assert not LOADS.search(page) and "<script" not in page and "<!--@" not in page


@pytest.mark.parametrize("rule", ["@media (prefers-color-scheme: dark)", "@media print"])
def test_page_is_for_dark_screens_and_for_paper_too(page, rule):
    assert rule in page


def test_page_that_cannot_be_written_is_an_error(shared, hosts, tmp_path):
    done = shared.fleet("status", shared.folder, "--html", tmp_path / "none" / "page.html")
    assert done.status == 3 and done.says("none/page.html: No such file or directory")


# ---- The figures

def read(text):
    """As both of Prometheus' parsers read them: by name, and numbers of hosts by status."""
    parser = pytest.importorskip("prometheus_client.parser", reason="python3-prometheus-client is not installed")
    openmetrics = pytest.importorskip("prometheus_client.openmetrics.parser")
    families = list(openmetrics.text_string_to_metric_families(text))
    samples = [sample for family in families for sample in family.samples]
    assert all(family.type == "gauge" and family.documentation.endswith(".") for family in families)
    assert samples == [sample for family in parser.text_string_to_metric_families(text) for sample in family.samples]
    return {sample.labels.get("status", sample.name.removeprefix("imatally_fleet_")): sample.value for sample in samples}


@pytest.fixture
def address(shared, hosts):
    """Where the figures are served."""
    address = f"127.0.0.1:{free_port()}"
    shared.start("fleet", "metrics.log", "metrics", shared.folder, "--listen", address)
    host, port = address.split(":")
    until(lambda: not socket.socket().connect_ex((host, int(port))))
    return address


def get(address, path="/metrics", seconds=10):
    with urllib.request.urlopen(f"http://{address}{path}", timeout=seconds) as answer:
        return answer.headers["Content-Type"], answer.read().decode()


def test_figures_are_those_of_the_table(shared, hosts):
    done = shared.fleet("metrics", shared.folder)
    found = read(done.out)
    words = {"not_authentic": 1, "silent": 1, "complete": 1, "mismatch": 0, "error": 0, "incomplete": 0, "none": 0,
             "complete_not_counted": 0}
    assert done.status == 0 and {name: found[name] for name in words} == words
    oldest = min(host["time"] for host in shared.status().values() if host["time"])
    assert abs(found["oldest_verdict_timestamp_seconds"] - oldest) <= 2 * shared.interval
    assert abs(found["read_timestamp_seconds"] - time.time()) < 10


def test_figures_are_served(address):
    kind, text = get(address)
    assert kind.startswith("application/openmetrics-text") and read(text)["complete"] == 1


def test_nothing_else_is_served(address):
    with pytest.raises(urllib.error.HTTPError, match="404"):
        get(address, "/")


def test_client_that_says_nothing_keeps_others_waiting_for_seconds_only(address):
    host, port = address.split(":")
    with socket.create_connection((host, int(port))):
        assert read(get(address, seconds=20)[1])["complete"] == 1


def test_figures_are_an_error_while_the_server_is_away(fleet):
    address = f"127.0.0.1:{free_port()}"
    fleet.start("fleet", "metrics.log", "metrics", fleet.folder, "--listen", address)
    host, port = address.split(":")
    until(lambda: not socket.socket().connect_ex((host, int(port))))
    fleet.kill_server()
    with pytest.raises(urllib.error.HTTPError, match="503"):
        get(address, seconds=30)
    fleet.start_server()
    assert until(lambda: "imatally_fleet_hosts" in served(address))


def served(address):
    try:
        return get(address, seconds=30)[1]
    except urllib.error.HTTPError:
        return ""


@pytest.mark.parametrize("address, why", [("9464", "ADDRESS:PORT expected"), (":9464", "ADDRESS:PORT expected"),
                                          ("127.0.0.1:port", "not supported|not known"),
                                          ("192.0.2.1:9464", "Cannot assign requested address")])
def test_address_that_cannot_be_listened_at_is_named(shared, address, why):
    done = shared.fleet("metrics", shared.folder, "--listen", address)
    assert done.status == 3 and done.says(f"^imatally: --listen {re.escape(address)}: .*({why})"), done.text
