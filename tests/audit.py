"""``make audit``: known vulnerabilities of the pinned packages, by pip-audit in an environment of its own.

Without a network, or behind an index that has no vulnerability service, it says so and succeeds: nothing was found out.
"""

import json
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENT = Path(sys.prefix) / "audit"
SECONDS = 300


def installed() -> bool:
    """Make the environment once; false when pip-audit cannot be installed."""
    if (ENVIRONMENT / "bin" / "pip-audit").exists():
        return True
    venv.create(ENVIRONMENT, with_pip=True)
    pip = [
        ENVIRONMENT / "bin" / "python",
        "-m",
        "pip",
        "--disable-pip-version-check",
        "install",
        "--quiet",
        "pip-audit",
    ]
    return subprocess.run(pip, capture_output=True, check=False).returncode == 0


def report() -> list[dict[str, Any]]:
    """Packages with their ``vulns``, or a ``skip_reason``; empty when the service does not answer."""
    options = ["--no-deps", "--disable-pip", "--progress-spinner", "off", "--format", "json"]
    command = [ENVIRONMENT / "bin" / "pip-audit", "-r", ROOT / "constraints.txt", *options]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
        found: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, ValueError, KeyError):
        return []
    return found


def main() -> int:
    """Print what is known; 1 when a package has a known vulnerability."""
    packages = report() if installed() else []
    audited = [package for package in packages if "skip_reason" not in package]
    if not audited:
        print(
            "not audited: no vulnerability service answers here. Run `make audit` where the package index is reachable."
        )
        return 0
    for package in audited:
        for found in package["vulns"]:
            fixed = ", ".join(found["fix_versions"]) or "no version yet"
            print(f"{package['name']} {package['version']}: {found['id']}, fixed in {fixed}")
    bad = sum(bool(package["vulns"]) for package in audited)
    print(f"{len(audited)} of {len(packages)} packages audited, {bad} with known vulnerabilities")
    return int(bad > 0)


if __name__ == "__main__":
    raise SystemExit(main())
