"""What pyproject.toml cannot say: config/ and the example files, which lie beside the
package in a checkout, go into the wheel as monitor/config, and docs/ as monitor/docs."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
DOCS = {".json", ".md", ".png", ".svg"}  # the help of the desk, and what the API is described by
EXAMPLES = ("watchlist.example.yaml", ".env.example")


class BuildWithConfig(build_py):
    """Copies the shipped defaults and the docs; an editable install finds them in the checkout."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            target = Path(self.build_lib, "monitor", "config")
            shutil.copytree(ROOT / "config", target, dirs_exist_ok=True)
            for name in EXAMPLES:
                shutil.copy2(ROOT / name, target / name)
            docs = Path(self.build_lib, "monitor", "docs")
            docs.mkdir(exist_ok=True)
            for path in (ROOT / "docs").iterdir():
                if path.suffix in DOCS:
                    shutil.copy2(path, docs / path.name)


setup(cmdclass={"build_py": BuildWithConfig})
