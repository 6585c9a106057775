import subprocess
import sys

HEAVY = ("torch", "torchvision", "numpy", "matplotlib", "PIL", "tqdm", "pooch", "IPython")


def loaded_after(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    return set(run.stdout.split())


def test_importing_the_package_imports_nothing_heavy() -> None:
    loaded = loaded_after("import resnet_course; assert resnet_course.__version__")
    assert "resnet_course" in loaded
    assert loaded.isdisjoint(HEAVY)


def test_networks_and_training_need_torch_alone() -> None:
    loaded = loaded_after("import resnet_course.models, resnet_course.training")
    assert loaded.isdisjoint({"torchvision", "matplotlib", "PIL", "pooch", "IPython"})


def test_a_lesson_starts_without_torchvision() -> None:
    """It takes as long to import as torch itself; only some lessons need it."""
    loaded = loaded_after("from resnet_course import checks, data, experiments, explorers, inspection, runtime")
    assert "torchvision" not in loaded
