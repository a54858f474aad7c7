"""The repository agrees with itself: contents, versions, requirements, tasks and documents."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import clean
import conftest
import install
import lock
import oldest
import pytest
import site_checks
import tasks
import yaml
from environment import name_of, pages_in
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import course_lib

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
DOCUMENTS = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"]
INTEGRATION = [".ci/run", ".github/workflows/test-and-publish.yml"]


def read(name):
    """Return the text of a file."""
    return (ROOT / name).read_text(encoding="utf-8")


def requirements(lines):
    """Return the requirements in lines of text."""
    return [Requirement(line) for line in lines]


def versions():
    """Return the locked version of every package."""
    return {
        canonicalize_name(requirement.name): next(iter(requirement.specifier)).version
        for requirement in requirements(lock.locked(read("requirements.lock")))
    }


def committed():
    """Return the files under version control, or all files where there is no repository."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        names = (path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file())
        hidden = {".venv", ".git", "_build", "__pycache__", "node_modules"}
        return [name for name in names if not hidden & set(name.parts)]
    paths = [Path(name) for name in listed.stdout.split("\0") if name]
    return [path for path in paths if (ROOT / path).is_file()]


# The book's contents.


def test_every_page_of_the_contents_exists_once():
    names = site_checks.documents(ROOT)
    assert len(names) == len(set(names))
    for name in names:
        sources = [ROOT / f"{name}{suffix}" for suffix in (".md", ".ipynb")]
        assert sum(source.exists() for source in sources) == 1, name


def test_every_page_is_in_the_contents():
    pages = [*pages_in(), *pages_in(suffix=".md")]
    assert {f"book/{name_of(page)}" for page in pages} <= set(site_checks.documents(ROOT))


def test_chapters_of_the_claims_that_are_decided_are_in_the_contents():
    decided = {c.chapter for c in course_lib.claims.CLAIMS.values() if c.verdict != "open"}
    assert {f"book/{name}" for name in decided} <= set(site_checks.documents(ROOT))


# Versions.


def test_versions_agree():
    version = PROJECT["version"]
    assert course_lib.__version__ == version
    assert yaml.safe_load(read("CITATION.cff"))["version"] == version
    assert yaml.safe_load(read("_config.yml"))["sphinx"]["config"]["version"] == version
    assert re.search(r"^## (\d\S*)", read("CHANGELOG.md"), re.MULTILINE)[1] == version


def test_supported_pythons_agree():
    assert PROJECT["requires-python"] == ">=3.11,<3.14"
    named = [c for c in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", c)]
    assert [c.rsplit(".", 1)[1] for c in named] == ["11", "12", "13"]
    assert (install.OLDEST, install.NEWEST) == ((3, 11), (3, 13))


# Requirements.


def test_library_needs_numpy_alone():
    assert [Requirement(line).name for line in PROJECT["dependencies"]] == ["numpy"]


def test_import_is_light():
    command = "import sys, course_lib; print({'torch', 'matplotlib', 'scipy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True)
    assert done.stdout.strip() == "set()", done.stderr


def wanted():
    """Return every requirement that the project names, wherever it does."""
    extras = [line for name, lines in PROJECT["optional-dependencies"].items() for line in lines]
    own = canonicalize_name(PROJECT["name"])
    named = requirements(
        [*lock.direct(read("requirements.txt")), *PROJECT["dependencies"], *extras]
    )
    return [requirement for requirement in named if canonicalize_name(requirement.name) != own]


NOT_LOCKED = {"tensorflow"}
"""What an extra brings and the course itself never imports; see requirements.txt."""


def needed():
    """Return every requirement that the lock must satisfy."""
    return [requirement for requirement in wanted() if requirement.name not in NOT_LOCKED]


@pytest.mark.parametrize("requirement", needed(), ids=str)
def test_lock_satisfies(requirement):
    assert requirement.specifier.contains(versions()[canonicalize_name(requirement.name)])


def test_requirements_cover_every_extra():
    direct = {canonicalize_name(Requirement(x).name) for x in lock.direct(read("requirements.txt"))}
    assert {canonicalize_name(requirement.name) for requirement in needed()} <= direct


def test_what_is_not_locked_is_an_extra_that_only_homes_of_the_atlas_import():
    in_extras = {requirement.name for requirement in wanted()}
    assert in_extras >= NOT_LOCKED
    assert not {canonicalize_name(name) for name in versions()} & NOT_LOCKED
    pattern = re.compile(rf"^ *(?:import|from) ({'|'.join(NOT_LOCKED)})\b", re.MULTILINE)
    programs = [name for name in committed() if name.suffix == ".py"]
    users = {name.as_posix() for name in programs if pattern.search(read(name))}
    assert all(name.startswith(("atlas/", "tests/test_frameworks_")) for name in users), users


def test_extra_all_holds_the_others():
    (everything,) = requirements(PROJECT["optional-dependencies"]["all"])
    assert everything.extras == set(PROJECT["optional-dependencies"]) - {"all"}


def test_lock_is_exact_and_neutral():
    for line in lock.locked(read("requirements.lock")):
        (specifier,) = Requirement(line).specifier
        assert specifier.operator == "=="
        assert not lock.CUDA.match(line)
    assert "://" not in read("requirements.lock")
    assert "-c requirements.lock" in read("requirements.txt").splitlines()


DECLARED = """
[build-system]
requires = ["setuptools>=77.0.1"]
[project]
name = "some-project"
dependencies = ["numpy>=2.0"]
[project.optional-dependencies]
torch = ["torch >= 2.10", "tqdm>=4.66"]
book = ["tqdm>=4.66", "ipykernel<7", "jupyter-book==1.0.4.post1"]
all = ["some-project[book,torch]"]
"""


def test_lowest_versions_are_exactly_the_declared_ones():
    expected = ["setuptools==77.0.1", "numpy==2.0", "torch==2.10", "tqdm==4.66", "ipykernel<7"]
    assert oldest.lowest(DECLARED) == [*expected, "jupyter-book==1.0.4.post1"]
    expected[2] = "torch==2.13.0"
    assert oldest.lowest(DECLARED, torch="2.13.0") == [*expected, "jupyter-book==1.0.4.post1"]


def test_each_package_has_one_lowest_version():
    pinned = requirements(oldest.lowest(read("pyproject.toml")))
    names = [canonicalize_name(requirement.name) for requirement in pinned]
    assert len(names) == len(set(names))
    assert {str(r.specifier)[:2] for r in pinned if r.name != "ipykernel"} == {"=="}


@pytest.mark.parametrize("failing", [0, 1, 2, 3])
def test_an_oldest_environment_that_fails_is_told(monkeypatch, capsys, tmp_path, failing):
    commands = []

    def run(command):
        commands.append([str(part) for part in command])
        return int(len(commands) > failing)

    monkeypatch.setattr(oldest, "run", run)
    monkeypatch.setattr(oldest, "VENV", tmp_path)
    assert oldest.main([]) == 1
    assert len(commands) == failing + 1
    assert ("cannot be installed together" in capsys.readouterr().err) == (failing in (1, 2))
    assert ("pytest" in commands[-1]) == (failing == 3)


def test_what_the_oldest_environment_leaves_out_is_there():
    for option in oldest.LEFT_OUT:
        path, _, name = option.partition("=")[2].partition("::")
        assert f"def {name}" in read(path) if name else (ROOT / path).is_file()


def test_installed_versions_are_the_locked_ones():
    from importlib.metadata import version

    for requirement in requirements(lock.direct(read("requirements.txt"))):
        locked = versions()[canonicalize_name(requirement.name)]
        assert version(requirement.name).split("+")[0] == locked, requirement.name


def test_resolver_output_is_filtered():
    printed = "# a comment\n--index-url x\n\nnumpy==2.4.6\nnvidia-cublas==13.1\ntriton==3.7\n"
    assert lock.locked(printed + "cuda-toolkit==13.0\n") == ["numpy==2.4.6"]
    assert lock.direct("-c lock\n# text\nnumpy>=2  # why\n\nipykernel<7\n") == [
        "numpy>=2",
        "ipykernel<7",
    ]


# Tasks.


def test_every_task_is_described_and_declared():
    makefile = read("Makefile")
    described = [name for name, _ in tasks.tasks(makefile)]
    targets = re.findall(r"^([a-z][\w-]*):(?!=)", makefile, re.MULTILINE)
    assert described == targets
    assert re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[1].split() == targets


def test_recipes_are_short():
    rule = re.compile(r"^[a-z][\w-]*:(?!=).*\n((?:\t.*\n)*)", re.MULTILINE)
    for recipe in rule.findall(read("Makefile")):
        assert recipe.count("\n") in (1, 2)


def test_programs_that_tasks_run_exist():
    for name in re.findall(r"[ )]([a-z]+/\w+\.m?(?:py|js))", read("Makefile")):
        assert (ROOT / name).is_file(), name


@pytest.mark.parametrize("document", [*DOCUMENTS, *INTEGRATION])
def test_tasks_that_documents_name_exist(document):
    names = {name for name, _ in tasks.tasks(read("Makefile"))}
    command = re.compile(r"(?:^|[`|:;] ?|run: |EXPECTED_SKIPS=\d )make ([a-z-]+)", re.MULTILINE)
    assert set(command.findall(read(document))) <= names


def test_readme_names_the_two_commands():
    assert "\nmake book " in read("README.md")
    assert "\nmake test " in read("README.md")


@pytest.mark.parametrize("document", DOCUMENTS)
def test_programs_that_documents_name_exist(document):
    for name in re.findall(r"tools[\\/](\w+\.py)", read(document)):
        assert (ROOT / "tools" / name).is_file()


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_of_documents_exist(document):
    for target in re.findall(r"\]\(([^)\s]+)\)", read(document)):
        assert target.startswith("https://") or (ROOT / target).exists(), target


def test_examples_of_the_readme_run_and_print_what_they_say():
    training, catalogue = re.findall(r"```python\n(.*?)```", read("README.md"), re.DOTALL)
    printed = []
    for example in (training, catalogue):
        done = subprocess.run([sys.executable, "-c", example], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        printed.append(done.stdout)
    assert 0.9 < float(printed[0]) <= 1
    assert len([line for line in training.splitlines() if line]) == 7
    assert float(printed[1].split()[0]) == pytest.approx(-1.472e-196, rel=1e-3)
    assert "# -1.472e-196" in catalogue


def test_continuous_integration_runs_the_same_commands():
    for name in INTEGRATION:
        for task in ["make test", "make book", "make lint"]:
            assert task in read(name), name


# What must not be committed.

# In pieces, so that this file does not name them.
FORBIDDEN = [
    "/wor" + "k/",
    "/ro" + "ot/",
    "/ho" + "me/runner",
    "pypi" + r"\.org",
    "pythonhost" + r"ed\.org",
    "registry" + r"\.npmjs",
    "deb" + r"\.debian\.org",
]


def test_nothing_names_a_machine_or_a_registry():
    pattern = re.compile("|".join(FORBIDDEN).encode())
    named = [str(name) for name in committed() if pattern.search((ROOT / name).read_bytes())]
    assert named == []


def test_nothing_is_large():
    large = [str(name) for name in committed() if (ROOT / name).stat().st_size > 4_000_000]
    assert large == []


def test_licenses_are_there():
    assert "BSD 3-Clause" in read("LICENSE")
    assert "Attribution 4.0 International" in read("LICENSE-book")
    fonts = "book/_theme/course/static/fonts"
    assert "SIL OPEN FONT LICENSE" in read(f"{fonts}/stix-two-math-OFL.txt")
    assert PROJECT["license"] == yaml.safe_load(read("CITATION.cff"))["license"]


# Installing.


@pytest.mark.parametrize("version", [(3, 11), (3, 12, 1), (3, 13)])
def test_supported_python_is_taken(version):
    assert install.unsupported(version) is None


@pytest.mark.parametrize("version", [(2, 7), (3, 10), (3, 14), (4, 0)])
def test_other_python_is_refused(version):
    told = install.unsupported(version)
    assert "Python {}.{}".format(*version) in told
    assert "PYTHON=python3.13" in told


@pytest.fixture
def checkout(tmp_path):
    """Return a folder with the files that decide what is installed, and a finished .venv."""
    for name in install.DECIDING:
        (tmp_path / name).write_text(name, encoding="utf-8")
    python = install.python_of(tmp_path / ".venv")
    python.parent.mkdir(parents=True)
    python.touch()
    (tmp_path / ".venv" / "pyvenv.cfg").write_text("home = x\nversion = 3.12.3\n", "utf-8")
    (tmp_path / ".venv" / "installed").write_text(install.digest(tmp_path) + "\n", "utf-8")
    return tmp_path


def installed(folder):
    """Tell whether an environment is up to date."""
    return install.installed(folder, folder / ".venv", folder / ".venv" / "installed")


def test_finished_environment_is_kept(checkout):
    assert installed(checkout)


@pytest.mark.parametrize("name", install.DECIDING)
def test_changed_requirements_are_installed(checkout, name):
    (checkout / name).write_text("changed", encoding="utf-8")
    assert not installed(checkout)


def test_missing_stamp_or_python_is_installed(checkout):
    (checkout / ".venv" / "installed").unlink()
    assert not installed(checkout)
    install.python_of(checkout / ".venv").unlink()
    assert not installed(checkout)


def test_moved_checkout_is_installed_anew(checkout):
    moved = checkout.parent / "moved"
    checkout.rename(moved)
    assert not installed(moved)


def test_environment_of_another_python_is_named(checkout):
    assert install.other_python(checkout / ".venv", (3, 12, 9)) is None
    assert "Python 3.12, and Python 3.13" in install.other_python(checkout / ".venv", (3, 13, 0))
    assert install.other_python(checkout / "nowhere", (3, 13)) is None


def test_interrupted_installation_leaves_no_stamp(checkout, monkeypatch):
    monkeypatch.setattr(install, "ROOT", checkout)
    monkeypatch.setattr(install, "VENV", checkout / ".venv")
    monkeypatch.setattr(install, "STAMP", checkout / ".venv" / "installed")

    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(install.subprocess, "check_call", interrupt)
    with pytest.raises(KeyboardInterrupt):
        install.install()
    assert not installed(checkout)


def test_failed_installation_is_told(checkout, monkeypatch, capsys):
    test_interrupted_installation_leaves_no_stamp(checkout, monkeypatch)

    def fail(command, **_):
        raise subprocess.CalledProcessError(7, command)

    monkeypatch.setattr(install.subprocess, "check_call", fail)
    assert install.main([]) == 1
    assert "exit status 7" in capsys.readouterr().err


# The number of skipped tests, and cleaning.


@pytest.mark.parametrize(("skipped", "expected"), [(0, None), (3, None), (0, "0"), (2, "2")])
def test_expected_skips_pass(skipped, expected):
    assert conftest.skips_problem(skipped, expected) is None


def test_integration_expects_the_skips_of_full_data_sets():
    listing = [sys.executable, "-m", "pytest", "--collect-only", "-q", "tests/test_full_data.py"]
    done = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True)
    tests = done.stdout.count("::")
    assert tests
    assert f"\nfull={tests}\n" in read(".ci/run")
    assert f'EXPECTED_SKIPS: "{2 + tests}"' in read(".github/workflows/test-and-publish.yml")


@pytest.mark.parametrize(("skipped", "expected"), [(1, "0"), (0, "1")])
def test_unexpected_skips_fail(skipped, expected):
    assert f"{skipped} tests were skipped" in conftest.skips_problem(skipped, expected)


def test_clean_removes_files_and_folders(tmp_path):
    (tmp_path / "folder" / "below").mkdir(parents=True)
    (tmp_path / "file").touch()
    for name in ["folder", "file", "missing"]:
        clean.remove(tmp_path / name)
    assert list(tmp_path.iterdir()) == []
