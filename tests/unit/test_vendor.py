"""The vendored copies are the ones that VENDOR.json names, and nothing else lies beside them."""

import base64
import hashlib
import json
from pathlib import Path

import pytest

STATIC = Path(__file__).parents[2] / "static"
VENDOR = STATIC / "vendor"
RECORD = json.loads((VENDOR / "VENDOR.json").read_text(encoding="utf-8"))
LOCK = json.loads((STATIC / "package-lock.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("package", RECORD, ids=lambda package: package["name"])
def test_each_copy_has_the_recorded_hash(package: dict[str, dict[str, str]]) -> None:
    for name, expected in package["files"].items():
        actual = base64.b64encode(hashlib.sha384((VENDOR / name).read_bytes()).digest()).decode()
        assert f"sha384-{actual}" == expected, name


def test_no_file_is_unaccounted_for() -> None:
    recorded = {name for package in RECORD for name in package["files"]}
    present = {path.relative_to(VENDOR).as_posix() for path in VENDOR.rglob("*") if path.is_file()}
    assert present - recorded == {"VENDOR.json", "update.mjs"}


@pytest.mark.parametrize("package", RECORD, ids=lambda package: package["name"])
def test_the_record_agrees_with_the_lock_file(package: dict[str, str]) -> None:
    locked = LOCK["packages"][f"node_modules/{package['name']}"]
    assert (package["version"], package["integrity"]) == (locked["version"], locked["integrity"])


def test_every_package_brings_its_licence() -> None:
    assert all(any(name.startswith("licences/") for name in package["files"]) for package in RECORD)
    assert {package["licence"] for package in RECORD} <= {"MIT", "Apache-2.0", "BSD-3-Clause", "OFL-1.1"}


def test_the_lock_file_names_no_registry() -> None:
    assert not [name for name, package in LOCK["packages"].items() if "resolved" in package]
