"""Lesson 12 · `shard`: which images one of several processes takes in each step of an epoch.

Right answers may draw and divide in their own ways, so what is seen are properties of all ranks together.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from resnet_course.checking.exercise import Exercise, Wrong
from resnet_course.checking.functions import expect_function
from resnet_course.checking.seen import Seen
from resnet_course.checking.splits import changed, random_state, some
from resnet_course.checking.values import shown

IMAGES, BATCH = 26, 8  # three whole batches and one of two images
WHAT = "of 26 images in batches of 8"


def kind(result: Any) -> str:
    """What came back, in words."""
    if isinstance(result, Tensor):
        return f"one tensor of shape {tuple(result.shape)}"
    if not isinstance(result, (list, tuple)):
        return shown(result)
    try:
        if result and all(isinstance(step, (list, tuple)) and step and np.ndim(step[0]) for step in result):
            return "a list of lists of shares"
        steps = [torch.as_tensor(step) for step in result]
    except (TypeError, ValueError, RuntimeError):  # whatever stands in it
        return "a list of other things than indices"
    if any(step.dim() != 1 for step in steps):
        return "a list of single numbers" if all(step.dim() == 0 for step in steps) else "a list of tables"
    if any((step.is_floating_point() and len(step)) or step.dtype == torch.bool for step in steps):
        return "a list of other numbers than indices"
    return "a list with the indices of each step"


def of_all(answer: Any, count: int, epoch: int = 0, images: int = IMAGES, seed: int = 0) -> list[list[list[int]]]:
    """The indices: for each rank a list of steps."""
    shares = [answer(images, BATCH, rank, count, epoch, seed) for rank in range(count)]
    return [[torch.as_tensor(step).tolist() for step in share] for share in shares]


def together(shares: list[list[list[int]]]) -> list[list[int]]:
    """The images of each step, of all ranks together, sorted."""
    steps = max(map(len, shares))
    return [sorted(index for share in shares if step < len(share) for index in share[step]) for step in range(steps)]


def spread(shares: list[list[list[int]]]) -> str:
    """How the sizes of the ranks' shares of one step differ."""
    sizes = [[len(share[step]) for share in shares] for step in range(min(map(len, shares)))]
    return "by one at most" if all(max(step) - min(step) <= 1 for step in sizes) else "by more than one"


def observe(answer: Any) -> Iterator[Seen]:
    """Two ranks in detail, then other counts, epochs and seeds."""
    expect_function("shard", answer)
    before = random_state()
    result = answer(IMAGES, BATCH, 0, 2, 0)
    yield Seen(f"shard({IMAGES}, {BATCH}, 0, 2, 0)", None if result is None else kind(result))
    if kind(result) != "a list with the indices of each step":
        return
    yield Seen("what the call changes of the random numbers that all share", changed(before))
    two, (alone,) = of_all(answer, 2), of_all(answer, 1)
    one = together([alone])
    seen = [index for share in two for step in share for index in step]
    yield Seen(f"{WHAT}, two ranks, indices below 0 or above 25", some(bool(set(seen) - set(range(IMAGES)))))
    yield Seen(f"{WHAT}, the steps of each of two ranks", [len(share) for share in two])
    first, second = ({index for step in share for index in step} for share in two)
    yield Seen(f"{WHAT}, images that both of two ranks take", "all" if first == second else some(bool(first & second)))
    yield Seen(f"{WHAT}, images that come twice", some(len(set(seen)) < len(seen)))
    yield Seen(f"{WHAT}, images that never come", {0: "none", 1: "one"}.get(IMAGES - len(set(seen)), "several"))
    sizes = [len(step) for step in together(two)]
    yield Seen(f"{WHAT}, images of all ranks in each step", sizes)
    yield Seen(f"{WHAT}, the shares of one step differ", spread(two))
    for count in (2, 3):
        same = together(of_all(answer, count)) == one
        yield Seen(f"the images of a step of {count} ranks and of one", "the same" if same else "others")
    uneven = of_all(answer, 4, images=27)
    yield Seen("of 27 images in batches of 8, the steps of each of four ranks", [len(share) for share in uneven])
    for images, count in ((27, 3), (27, 4), (22, 4)):  # in the last batch 3 or 6 images
        share = spread(of_all(answer, count, images=images))
        yield Seen(f"of {images} images in batches of 8, the shares of one step among {count} ranks differ", share)
    flat = [index for share in uneven for step in share for index in step]
    yield Seen("of 27 images and four ranks, images twice", some(len(set(flat)) < len(flat)))
    yield Seen("of 27 images and four ranks, images that never come", some(len(set(flat)) < 27))
    yield Seen("the order of the images", "as they are" if alone[0] == list(range(BATCH)) else "shuffled")
    yield Seen("the images of the first step of epoch 0", "0 to 7" if one[0] == list(range(BATCH)) else "mixed")
    epochs = [of_all(answer, 2, epoch) for epoch in range(3)]
    alike = "all alike" if epochs[0] == epochs[1] == epochs[2] else "different"
    yield Seen("the epochs 0, 1 and 2", alike)
    torch.manual_seed(99)  # an order from the global generator changes now
    yield Seen("the same call again", "the same" if of_all(answer, 2) == two else "another order")
    seeds = [of_all(answer, 2, seed=seed) for seed in range(3)]
    yield Seen("the orders for the seeds 0, 1 and 2", "all alike" if seeds[0] == seeds[1] == seeds[2] else "different")
    others = [of_all(answer, 2, epoch, seed=5) for epoch in range(3)]
    yield Seen("with seed=5, the epochs 0, 1 and 2", "all alike" if others[0] == others[1] else "different")
    unsaid = [torch.as_tensor(step).tolist() for step in answer(IMAGES, BATCH, 0, 2, 0)]
    yield Seen("without a seed, the order", "that of seed 0" if unsaid == two[0] else "another one")


ANSWER = """
def shard(num_images, batch_size, rank, count, epoch, seed=0):
    generator = torch.Generator().manual_seed(seed + epoch)
    order = torch.randperm(num_images, generator=generator)
    batches = order.split(batch_size)
    return [batch.tensor_split(count)[rank] for batch in batches]
"""
# fmt: off
WRONG = [
    Wrong("epoch_ignored", [("seed + epoch", "seed")],
          ask="What changes from one epoch to the next?",
          explain="Each epoch has the same order, so the same images always meet in a batch. The epoch has to be a "
                  "part of what sets the generator. With PyTorch's DistributedSampler it is the same mistake to forget "
                  "`set_epoch`."),
    Wrong("own_order_for_each_rank", [("seed + epoch", "seed + epoch + rank")],
          ask="Do all ranks shuffle in the same way?",
          explain="The rank takes part in the shuffling, so each rank divides an order of its own. Some images then "
                  "come in two ranks, and others in none. All ranks must draw the same order; they differ in what they "
                  "take of it."),
    Wrong("rank_ignored", [(".tensor_split(count)[rank]", "")],
          ask="In which line does the rank decide what is taken?",
          explain="Each rank takes the whole batch, so every image is computed `count` times and nothing is gained. A "
                  "rank takes its share of the batch."),
    Wrong("rank_zero_for_all", [("[rank]", "[0]")],
          ask="Which share does rank 1 take?",
          explain="All ranks take the first share, so the images of the other shares never come and those of the first "
                  "come `count` times. The share is `[rank]`."),
    Wrong("rank_from_one", [("[rank]", "[rank - 1]"), ("batches]", "batches][:: 1 if rank else -1]")],
          ask="From which number on are ranks counted?",
          explain="The steps of rank 0 do not belong to those of the others. Ranks are counted from 0, as indices of a "
                  "list are, so nothing has to be subtracted and rank 0 is no exception."),
    Wrong("order_divided_first", [
              ("batches = order.split(batch_size)", "own = order.tensor_split(count)[rank]"),
              ("[batch.tensor_split(count)[rank] for batch in batches]", "list(own.split(batch_size // count))")],
          ask="Do you divide the epoch among the ranks, or each batch?",
          explain="The epoch is divided among the ranks, and each rank cuts its part into batches. Then the images "
                  "that meet in a step are others for another number of ranks, and with 26 images in batches of 8 the "
                  "third rank can need a step less than the first. Cut the batches first, then divide each."),
    Wrong("dealt_out_before_cutting", [
              ("batches = order.split(batch_size)", "own = order[rank::count]"),
              ("[batch.tensor_split(count)[rank] for batch in batches]", "list(own.split(batch_size // count))")],
          ask="Do you divide the epoch among the ranks, or each batch?",
          explain="The images are dealt out to the ranks first, and each rank cuts its own into batches. Then the "
                  "images that meet in a step are others for another number of ranks, and with three ranks one can "
                  "need a step less. Cut the batches first, then divide each."),
    Wrong("every_count_th_of_the_epoch", [
              ("batches = order.split(batch_size)", "own = order[rank::count]"),
              ("[batch.tensor_split(count)[rank] for batch in batches]", "list(own.split(batch_size))")],
          ask="How many images do all ranks together take in one step?",
          explain="Each rank takes `batch_size` images in a step, so that all together take `count` times as many. "
                  "`batch_size` counts the images of all ranks together: divide each batch."),
    Wrong("whole_batches_dealt_out", [
              ("[batch.tensor_split(count)[rank] for batch in batches]", "list(batches[rank::count])")],
          ask="What does rank 1 do while rank 0 computes the first batch?",
          explain="Whole batches are dealt out in turn, so each rank has fewer steps than there are batches, and where "
                  "their number cannot be divided, one rank has a step more and waits in it for ever. Each rank takes "
                  "a share of every batch."),
    Wrong("filled_up", [
              ("    batches =",
               "    missing = -num_images % batch_size\n"
               "    order = torch.cat([order, order[:missing]])\n    batches =")],
          ask="How often does the first image of the order come in this epoch?",
          explain="The last batch is filled up with images from the beginning, which then come twice in the epoch. "
                  "PyTorch's DistributedSampler fills up as well, and says so. Here each image comes once: the last "
                  "batch may be smaller."),
    Wrong("filled_up_for_the_ranks", [
              ("    batches =", "    order = torch.cat([order, order[: -num_images % count]])\n    batches =")],
          ask="How often does the first image of the order come in this epoch?",
          explain="The order is filled up with images from its beginning until it can be divided by the number of "
                  "ranks. These come twice in the epoch. PyTorch's DistributedSampler does that; here each image comes "
                  "once, and the shares may differ by one image."),
    Wrong("last_batch_dropped", [
              ("    batches =", "    order = order[: num_images // batch_size * batch_size]\n    batches =")],
          ask="How many steps do 26 images in batches of 8 take?",
          explain="Only whole batches are kept, and the last images never come in this epoch. 26 images in batches of "
                  "8 are four steps; the last one has two images."),
    Wrong("rest_of_a_batch_dropped", [
              ("batch.tensor_split(count)[rank]",
               "batch[len(batch) // count * rank : len(batch) // count * (rank + 1)]")],
          ask="Who takes the rest of a batch of 8 among three ranks?",
          explain="`len(batch) // count` drops the rest: of 8 images among three ranks each takes 2, and two images "
                  "never come. The shares may differ by one image: `tensor_split` does that."),
    Wrong("rest_to_the_last_rank", [
              ("batch.tensor_split(count)[rank]",
               "batch[len(batch) // count * rank : None if rank == count - 1 else len(batch) // count * (rank + 1)]")],
          ask="How many images does each of four ranks take of a batch of three?",
          explain="The last rank takes all that is left over: of three images among four ranks it takes three, and the "
                  "others wait for it with none. The shares may differ by one image at most, so the rest is dealt out "
                  "one by one, as `tensor_split` or `batch[rank::count]` do."),
    Wrong("shares_rounded_up", [
              ("batch.tensor_split(count)[rank]",
               "batch[-(-len(batch) // count) * rank : -(-len(batch) // count) * (rank + 1)]")],
          ask="What is left for the last of four ranks if the first three take two of six images each?",
          explain="Each share is rounded up, so the first ranks take more and the last one gets what remains, which "
                  "can be nothing. The shares may differ by one image at most: `tensor_split` or `batch[rank::count]` "
                  "see to that."),
    Wrong("begins_before_its_rank", [(".tensor_split(count)[rank]", "[rank - 1 :: count]")],
          ask="At which index does rank 0 begin?",
          explain="Rank 0 begins at index -1, which is the last image of the batch, and takes that one alone. Ranks "
                  "are counted from 0, as indices are: nothing has to be subtracted."),
    Wrong("chunk_for_tensor_split", [("batch.tensor_split(count)[rank]", "batch.chunk(count)[rank]")],
          ask="How many parts does `chunk(4)` make of three images?",
          explain="`chunk(count)` makes parts of equal size, and fewer than `count` of them where the images do not "
                  "suffice, so a rank finds no share in a small last batch. `tensor_split(count)` always makes `count` "
                  "parts; some may be empty."),
    Wrong("empty_shares_skipped", [
              ("[batch.tensor_split(count)[rank] for batch in batches]",
               "[part for batch in batches if len(part := batch.tensor_split(count)[rank])]")],
          ask="What do the other ranks do in a step in which one rank has no image?",
          explain="An empty share is left out, so that rank has a step less, and the others wait for it in the last "
                  "one for ever. A rank without an image takes part in the step with an empty share."),
    Wrong("split_for_tensor_split", [
              ("batch.tensor_split(count)[rank]", "batch.split(count)[rank]")],
          ask="What does the number in `split(...)` count, the parts or the images of a part?",
          explain="`split(count)` makes parts of `count` images, and not `count` parts. Of 8 images and two ranks, "
                  "each rank takes 2, and the rest never comes. `tensor_split(count)` makes `count` parts."),
    Wrong("not_shuffled", [("torch.randperm(num_images, generator=generator)", "torch.arange(num_images)")],
          ask="In which order do the images come?",
          explain="The images come in the order of the files, in each epoch. They have to be shuffled, in the same way "
                  "on every rank: torch.randperm with a generator that seed and epoch set."),
    Wrong("seed_ignored", [("seed + epoch", "epoch")],
          ask="What changes when another seed is given?",
          explain="The order is the same for every seed. The seed has to be a part of what sets the generator."),
    Wrong("seed_times_epoch", [("seed + epoch", "seed * epoch")],
          ask="What is the seed times the epoch, for seed 0?",
          explain="0 times any epoch is 0, so with the seed 0 all epochs have the same order; and in epoch 0 all seeds "
                  "have. Add the two."),
    Wrong("global_seed", [
              ("generator = torch.Generator().manual_seed(seed + epoch)", "torch.manual_seed(seed + epoch)"),
              (", generator=generator", "")],
          ask="Which other random numbers of the program does your seed set?",
          explain="torch.manual_seed sets the generator that the whole program shares. All that is drawn afterwards, "
                  "such as the moves of the images, then repeats, and is the same on every rank. torch.Generator() "
                  "makes one that is used here only."),
    Wrong("global_generator", [(", generator=generator", "")],
          ask="Which generator draws the order?",
          explain="The order comes from the generator that the whole program shares. In each process it has drawn "
                  "other numbers before, so the ranks divide different orders. Give randperm your own: "
                  "generator=generator."),
    Wrong("never_the_same_order", [
              (".manual_seed(seed + epoch)", ""), ("    order", "    generator.seed()\n    order")],
          ask="Do two calls with the same arguments give the same order?",
          explain="The generator is set by chance, so each call, and with it each rank, draws another order. Seed and "
                  "epoch have to set it: `torch.Generator().manual_seed(…)`."),
    Wrong("shuffled_in_each_batch", [
              ("torch.randperm(num_images, generator=generator)", "torch.arange(num_images)"),
              ("batch.tensor_split", "batch[torch.randperm(len(batch), generator=generator)].tensor_split")],
          ask="Can image 0 and image 20 ever meet in a step?",
          explain="Each batch is shuffled in itself, and the images of a step are always the same ones: 0 to 7, then "
                  "8 to 15. Shuffle all images first, and cut the order into batches after that."),
    Wrong("shares_of_all_ranks", [("batch.tensor_split(count)[rank]", "list(batch.tensor_split(count))")],
          ask="Whose indices are asked for?",
          explain="Each step holds the shares of all ranks. The caller is one process, of the given rank, and takes a "
                  "step for each entry: only its own share belongs there."),
    Wrong("with_replacement", [
              ("torch.randperm(num_images, generator=generator)",
               "torch.randint(num_images, (num_images,), generator=generator)")],
          ask="How often can one number come in `torch.randint`?",
          explain="randint draws each index anew, so some images come several times and others not at all. randperm "
                  "shuffles: each number comes once."),
    Wrong("one_row", [
              ("[batch.tensor_split(count)[rank] for batch in batches]",
               "torch.cat([batch.tensor_split(count)[rank] for batch in batches])")],
          ask="How does the caller know where a step ends?",
          explain="All indices of the epoch come in one row. The caller takes a step for each entry of the result: a "
                  "list, with the indices of one step in each entry."),
    Wrong("first_step_only", [
              ("[batch.tensor_split(count)[rank] for batch in batches]", "[batches[0].tensor_split(count)[rank]]")],
          ask="How many steps has the epoch?",
          explain="Only the first step comes back. An epoch of 26 images in batches of 8 has four steps, and each "
                  "needs its entry."),
    Wrong("pythons_random_numbers", [
              ("    generator = torch.Generator().manual_seed(seed + epoch)\n",
               "    import random\n    random.seed(1000 * seed + epoch)\n"),
              ("order = torch.randperm(num_images, generator=generator)",
               "order = torch.tensor(random.sample(range(num_images), num_images))")],
          ask="Who else in the program draws from Python's `random`?",
          explain="The call changes Python's random numbers, which the whole program shares: an augmentation, for "
                  "example, draws others after it. Use a generator of your own: `random.Random(…)` or "
                  "`torch.Generator()`."),
]
# fmt: on

EXERCISE = Exercise(
    "shard",
    lesson="12",
    defines="shard",
    observe=observe,
    start="Forget the ranks first: shuffle all images with a generator of your own (torch.randperm), and cut the order "
    "into batches. That is the epoch of one process. Then ask what one rank takes of one batch.",
    answer=ANSWER,
    wrong=WRONG,
    right={
        "every count-th of a batch": """
def shard(num_images, batch_size, rank, count, epoch, seed=0):
    order = torch.randperm(num_images, generator=torch.Generator().manual_seed(1000 * seed + epoch)).tolist()
    steps = []
    for start in range(0, num_images, batch_size):
        steps.append(order[start : start + batch_size][rank::count])
    return steps
""",
        "plain Python": """
import random

def shard(num_images, batch_size, rank, count, epoch, seed=0):
    order = list(range(num_images))
    random.Random(f"{seed} {epoch}").shuffle(order)
    batches = [order[i : i + batch_size] for i in range(0, num_images, batch_size)]
    return [[image for place, image in enumerate(batch) if place % count == rank] for batch in batches]
""",
        "NumPy": """
import numpy as np

def shard(num_images, batch_size, rank, count, epoch, seed=0):
    order = np.random.default_rng([seed, epoch]).permutation(num_images)
    cuts = range(batch_size, num_images, batch_size)
    return [np.array_split(batch, count)[rank] for batch in np.split(order, cuts)]
""",
        "lists of NumPy's numbers": """
import numpy as np

def shard(num_images, batch_size, rank, count, epoch, seed=0):
    order = np.random.default_rng([seed, epoch]).permutation(num_images)
    return [list(order[i : i + batch_size][rank::count]) for i in range(0, num_images, batch_size)]
""",
        "lists of tensors of one number": """
def shard(num_images, batch_size, rank, count, epoch, seed=0):
    order = torch.randperm(num_images, generator=torch.Generator().manual_seed(seed + epoch))
    return [list(batch)[rank::count] for batch in order.split(batch_size)]
""",
        "borders of each share": """
def shard(num_images, batch_size, rank, count, epoch, seed=0):
    g = torch.Generator()
    g.manual_seed(seed + epoch)
    order = torch.randperm(num_images, generator=g)
    steps = math.ceil(num_images / batch_size)
    out = []
    for step in range(steps):
        batch = order[step * batch_size : (step + 1) * batch_size]
        n = len(batch)
        out.append(batch[rank * n // count : (rank + 1) * n // count])
    return out
""",
        "random keys, and a mask for the rank": """
def shard(num_images, batch_size, rank, count, epoch, seed=0):
    keys = torch.rand(num_images, generator=torch.Generator().manual_seed(seed * 7919 + epoch))
    own = torch.arange(batch_size) % count == rank
    return tuple(batch[own[: len(batch)]] for batch in keys.argsort().split(batch_size))
""",
    },
    again={
        "set_epoch forgotten, in other words": (
            "epoch_ignored",
            """
def shard(num_images, batch_size, rank, count, epoch, seed=0):
    order = torch.randperm(num_images, generator=torch.Generator().manual_seed(seed))
    return [order[i : i + batch_size][rank::count] for i in range(0, num_images, batch_size)]
""",
        ),
    },
    unknown={
        "one image twice": """
def shard(num_images, batch_size, rank, count, epoch, seed=0):
    order = torch.randperm(num_images, generator=torch.Generator().manual_seed(seed + epoch))
    order[3] = order[2]
    return [batch.tensor_split(count)[rank] for batch in order.split(batch_size)]
""",
    },
)
