"""A published list, from its file to the mails: real commands, sources and receivers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from world.home import BANK, Scene, bodies, dev_chain, entry, staged, watchlist

from monitor.demo.cast import evm

PAYER, SHOP = evm("payer"), evm("shop")
HEAD = "address;entity id;entity name;programs\n"
ROWS = {
    PAYER: f"{PAYER};42498;SIM, Hyon Sop;DPRK3\n",
    SHOP: f"{SHOP};7;Shop of Nobody;CYBER2\n",
}


def publish(scene: Scene, *addresses: str, accept: bool = False) -> None:
    text = HEAD + "".join(ROWS[each] for each in addresses)
    (scene.home.path / "desk.csv").write_text(text, "utf-8")
    more = ["--accept-shrunk"] if accept else []
    scene.home.run("lists", "update", "ofac", *more)


def mails(scene: Scene) -> list[str]:
    """What was mailed to the desk, once each, with its subject; forgotten afterwards."""
    found = {m.message["Message-ID"]: m.message for m in scene.mail.mails}
    scene.mail.mails.clear()
    return [
        f"{m['Subject']}\n{' '.join(m.get_body(('plain',)).get_content().split())}"  # type: ignore[union-attr]
        for m in found.values()
        if "NOTICE" not in m["Subject"]
    ]


def told(scene: Scene) -> list[dict[str, Any]]:
    """What machines were told; forgotten afterwards."""
    found = [alert for body in bodies(scene.hook.seen) for alert in body["data"]["alerts"]]
    scene.hook.seen.clear()
    return [alert for alert in found if alert["kind"] == "movement"]


def happen(scene: Scene, *ways: tuple[str, str]) -> tuple[list[str], list[dict[str, Any]]]:
    scene.pay(*ways)
    scene.home.sql("UPDATE scope SET due = 0")
    scene.home.run("poll")
    return mails(scene), told(scene)


def test_from_the_file_to_the_mail(tmp_path: Path) -> None:
    """PAYER is on the person's list and on OFAC's, SHOP on OFAC's alone."""
    with staged(tmp_path, contacted=False) as scene:
        scene.home.write("config/chains.yaml", {"chains": {"ethereum": dev_chain("mine")}})
        mine = entry(PAYER, "ethereum", severity="high") | {"label": "label a"}
        scene.home.write("watchlist.yaml", watchlist(mine))
        row = {
            **{"kind": "csv", "title": "OFAC", "file": "desk.csv", "every": "never"},
            **{"watch": True, "case": "OFAC-{entity}", "severity": "high"},
            "incoming": "daily",
            "min_amount": {"ETH": "1"},
        }
        scene.home.write("config/lists.yaml", {"lists": {"ofac": row}})
        publish(scene, PAYER, SHOP)
        scene.home.run("poll")
        began = "Watching began: label a (case CASE-1, also on OFAC-42498) has no earlier"
        assert [began in mail for mail in mails(scene) if "HISTORY" in mail] == [True]
        told(scene)

        # One payment from the one to the other: one mail, of the person's entry.
        (mail,), alerts = happen(scene, (PAYER, SHOP))
        assert "HIGH] OUT 0.01" in mail
        assert "label a (case CASE-1, also on OFAC-42498) sent" in mail
        assert {(a["entry"]["case"], a["direction"], a["lane"]) for a in alerts} == {
            ("CASE-1", "out", "news"),
            ("OFAC-7", "in", "quiet"),
        }

        # What leaves the listed address is told, with who it is.
        (mail,), (alert,) = happen(scene, (SHOP, BANK))
        assert '"Shop of Nobody" (case OFAC-7) sent' in mail
        assert "OFAC 7, CYBER2, on the list since" in mail
        assert alert["entry"]["origin"]["entity"] == "7"

        # The list takes it off: it is watched on, and every message begins so.
        publish(scene, PAYER, accept=True)
        (mail,), (alert,) = happen(scene, (SHOP, BANK))
        subject, _, body = mail.partition("\n")
        assert "[Fundwatch MEDIUM] WAS LISTED: OUT about 0.01" in subject
        assert "was on OFAC's list from" in body
        assert "; not on it now:" in body
        assert alert["severity"] == "medium"
        assert alert["entry"]["origin"]["until"]

        # What was told before still says what was true then.
        old = [a for a in scene.home.alerts() if a["entry"] and a["entry"]["case"] == "OFAC-7"]
        assert [bool(a["entry"]["origin"]["until"]) for a in old if a["direction"] == "out"] == [
            False,
            True,
        ]
        scene.home.run("verify")
