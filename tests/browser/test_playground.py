"""The playground: it computes what PyTorch computes, and what a visitor sees at 40 layers is what the course says."""

import itertools

import pytest
import torch
from test_pages import keep_picture, set_size
from torch import nn

from resnet_course.explorers.playground import PICTURE

GRADIENTS = """([shortcuts, batchNorm]) => {
    const points = playground.makeSpirals(50, 3);
    const net = new playground.Network({ depth: 8, shortcuts, batchNorm, seed: 5 });
    net.train(points);
    const lists = (object) => net.layers.map((layer) => Object.fromEntries(
        layer.parameters.map((name) => [name, Array.from(object(layer)[name])])));
    const before = lists((layer) => layer);
    const found = net.lossAndGradients(points);
    const input = Array.from(net.inputGradient);
    return { points: [Array.from(points.x), Array.from(points.y)], before, input, ...found,
             gradients: lists((layer) => layer.gradient) };
}"""


class Reference(nn.Module):
    """The same network in PyTorch, with given numbers."""

    def __init__(self, layers: list[dict[str, list[float]]], shortcuts: bool) -> None:
        super().__init__()
        self.shortcuts = shortcuts
        self.tensors = [
            {name: torch.tensor(values, dtype=torch.float64, requires_grad=True) for name, values in layer.items()}
            for layer in layers
        ]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        kept = x
        for index, layer in enumerate(self.tensors):
            if index % 2 == 1:
                kept = x
            weight = layer["weight"].view(len(layer["shift"]), -1)
            if "scale" in layer:
                x = nn.functional.batch_norm(x @ weight.T, None, None, layer["scale"], layer["shift"], training=True)
            else:
                x = x @ weight.T + layer["shift"]
            if self.shortcuts and index % 2 == 0 and index > 0:
                x = x + kept
            if index < len(self.tensors) - 1:
                x = torch.relu(x)
        return x


@pytest.mark.parametrize(("shortcuts", "norm"), list(itertools.product((False, True), repeat=2)))
def test_its_gradients_are_those_of_pytorch(visit, shortcuts: bool, norm: bool) -> None:
    visit.open("playground.html")
    found = visit.page.evaluate(GRADIENTS, [shortcuts, norm])
    x = torch.tensor(found["points"][0], dtype=torch.float64).view(-1, 2).requires_grad_()
    reference = Reference(found["before"], shortcuts)
    logits, y = reference(x), torch.tensor(found["points"][1])
    loss = nn.functional.cross_entropy(logits, y)
    loss.backward()
    assert found["loss"] == pytest.approx(loss.item(), abs=1e-9)
    assert found["error"] == pytest.approx((logits.argmax(1) != y).double().mean().item())
    assert found["input"] == pytest.approx(x.grad.flatten().tolist(), abs=1e-5)
    for layer, gradients in zip(reference.tensors, found["gradients"], strict=True):
        assert layer.keys() == gradients.keys()
        for name, tensor in layer.items():
            assert gradients[name] == pytest.approx(tensor.grad.flatten().tolist(), abs=1e-5), name


def test_at_40_layers_the_plain_network_fails_and_the_other_does_not(visit) -> None:
    set_size(visit.page, 1280, 900)
    visit.open("playground.html")
    assert visit.page.locator("[data-show=depth]").inner_text() == "40 layers"
    agree = {kind: visit.page.locator(f"[data-show='{kind} similarity']") for kind in ("plain", "shortcuts")}
    before = {kind: shown.inner_text() for kind, shown in agree.items()}
    visit.page.get_by_role("button", name="Train 100 steps").press("Enter")
    visit.page.get_by_role("status").filter(has_text="After 100 steps, 40 layers").wait_for(timeout=120_000)
    after = {kind: shown.inner_text() for kind, shown in agree.items()}
    assert all(before[kind] != after[kind] for kind in agree), "it is measured while they train, too"
    assert float(after["shortcuts"]) > float(after["plain"].replace("−", "-"))
    plain, shortcuts = (
        float(visit.page.locator(f"[data-show='{kind} error']").inner_text().removesuffix(" %"))
        for kind in ("plain", "shortcuts")
    )
    assert plain > 20
    assert shortcuts < 2
    assert f"{plain:.0f} % of its training points are wrong" in PICTURE
    keep_picture(visit.page, "playground_1280")
    set_size(visit.page, 390, 844)
    keep_picture(visit.page, "playground_390")
    assert visit.errors == []
    assert visit.outside == []


def test_it_runs_inside_lesson_00(visit) -> None:
    visit.open("lessons/00_start_here.html")
    frame = visit.page.frame_locator("iframe[title^=Playground]")
    frame.get_by_role("button", name="Train 100 steps").press("Enter")
    frame.get_by_text("After 100 steps, 40 layers").wait_for(timeout=120_000)
    assert visit.errors == []
    assert visit.outside == []
