"""What the hidden tests of assignment 1 do with an answer. Sent into the sandbox: no answer is in it."""

import torch
from torch import nn

from resnet_course.grading.sandbox.examining import gradients, load, shapes


def examine_staged_vgg(names, inputs):
    network = names["staged_vgg"](*inputs["rule"].tolist()).double()
    seen = {"parameters": shapes(network)}
    count = sum(parameter.numel() for parameter in network.parameters())
    weights = torch.sin(inputs["frequency"] * torch.arange(1, count + 1))
    nn.utils.vector_to_parameters(weights, network.parameters())
    seen["result"] = result = network(inputs["x"])
    seen["gradient"] = gradients(result, inputs["gradient"], None, network)
    seen["buffers"] = dict(network.named_buffers())
    seen["result in eval mode"] = network.eval()(inputs["x"])
    return seen


def examine_receptive_field(names, inputs):
    return {"field": names["receptive_field"]([tuple(layer) for layer in inputs["layers"].tolist()])}


def batches_of(inputs):
    """A list of (images, targets)."""
    sizes = inputs["sizes"].tolist()
    return list(zip(inputs["images"].split(sizes), inputs["targets"].split(sizes), strict=True))


def examine_accumulated_step(names, inputs):
    model, batches = nn.Linear(4, 3), batches_of(inputs)
    load(model, inputs)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5, momentum=0.9)
    (model(batches[0][0]) * inputs["left over"]).sum().backward()  # gradients from before
    model.eval()
    norm = inputs["largest norm"].item()
    loss = names["accumulated_step"](model, batches, nn.CrossEntropyLoss(), optimizer, norm)
    return {
        "loss": loss,
        "weights after the step": model.weight,
        "biases after the step": model.bias,
        "training mode": model.training,
    }


def examine_evaluate_by_class(names, inputs):
    model = nn.Sequential(nn.BatchNorm1d(6), nn.Linear(6, 6))
    load(model, inputs)
    model.train(inputs["training"].item())
    accuracies = names["evaluate_by_class"](model, batches_of(inputs), 6)
    return {
        "accuracies": accuracies,
        "training mode afterwards": model.training,
        "running statistics": dict(model.named_buffers()),
    }
