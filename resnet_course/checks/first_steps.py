"""Where to begin with each exercise: what `checks.hint(name)` says before anything is written."""

FIRST_STEPS = {
    "warm_up": "Give the three numbers the shape (3, 1, 1): then they line up with the channels, not with the width. "
    "`mean.view(3, 1, 1)` does that.",
    "vgg_block": "Start with an empty list. In a loop over range(num_convs) add a convolution and a ReLU; after the "
    "first convolution there are out_channels channels. Add the pooling last, and hand the list to nn.Sequential with "
    "a star.",
    "receptive_field": "Go through the example [2, 3] with strides [2, 1] on paper: field and jump are 1 and 1 before "
    "the first layer, 2 and 2 after it. How do you get from one pair to the next? Field first, then jump.",
    "train_step": "Write the loop over the batches with the five calls of the list, one line each. Then add three sums "
    "that start at 0 before the loop: loss times number of images, right answers, images.",
    "early_stopper": "What must the object remember between two calls? The lowest loss so far (infinity before the "
    "first), the number of bad epochs in a row, and the two arguments. Then write is_continuable as one if and one "
    "else: better than the lowest loss, or not.",
    "plain_block": "In __init__ make four layers: convolution, batch norm, convolution, batch norm. Only the first "
    "convolution sees in_planes and the stride. In forward send x through them, with a ReLU behind each batch norm.",
    "gradient_norms": "Three steps: forget the old gradients; one forward pass, cross-entropy and backward(); then a "
    "loop over model.modules() that keeps the nn.Conv2d ones. `tensor.norm()` is the norm, `.item()` makes a float.",
    "extend_with_identity": "Treat one block first. Its two convolutions get nn.init.dirac_. For the batch norms solve "
    "x / sqrt(1 + eps) * weight = x for the weight; `norm.eps` is the eps.",
    "basic_block": "Write the plain block of lesson 02 first, without its last ReLU: that is F(x). Then make the "
    "shortcut in __init__, an empty nn.Sequential() or the projection. In forward add F(x) and the shortcut of x, and "
    "let the ReLU come last.",
    "zero_init_residual": "Loop over model.modules() and ask of each with isinstance whether it is a CourseBlock. The "
    "last batch norm of a block is its bn2; nn.init.zeros_ sets a tensor to zero.",
    "shortcut_gradient": "`detach()` keeps the numbers of a tensor and stops its gradient. Compute the output twice: "
    "once with the shortcut detached, once with F(x) detached, and take the gradient of each sum at x.",
    "needs_projection": "Write down the shape that comes in and the shape that goes out: channels, and height. What "
    "has to hold for both to be equal? A projection is needed when that does not hold.",
    "projection_shortcut": "Two layers in an nn.Sequential: a convolution with kernel_size=1, and a batch norm. Which "
    "of them carries the stride, and how many channels does the second one see?",
    "pad_shortcut": "Two steps. A slice such as x[:, :, ::stride, ::stride] keeps every stride-th row and column. Then "
    "count the missing channels and put half of them in front; F.pad takes the numbers as the text above says.",
    "bottleneck_shapes": "Do the example on paper, one convolution after the other: the first 1x1 changes the channels "
    "only, the 3x3 the height only, the last 1x1 the channels only.",
    "make_layer": "Write the list of strides first: the stride for the first block, 1 for each of the others. Then "
    "loop over it, build a block, and after each block ask yourself how many channels come out of it.",
    "flat_features": "Follow the image through the network: which of the four stages halve it, and what does the "
    "pooling leave? Then multiply the channels by the pixels that are left, height times width.",
    "resnet18": "Start with __init__ and follow the table of the lesson from top to bottom, one line each. Set "
    "self.in_planes = 64 before the first stage. In forward each line of the table is one call again.",
    "load_torchvision": "Make a new dict. Loop over state_dict.items(), change the name with `replace`, keep the "
    "tensor. Then hand the new dict to model.load_state_dict.",
    "fair_split": "Split one class first: the indices of its images, in a random order from your generator, cut after "
    "round(fraction * number). Then loop over the classes. What is not in the validation part belongs to training.",
    "evaluate": "Take your train_step of lesson 01 and ask of each line whether it belongs here. Two things go, two "
    "come in: the mode of the model, and torch.no_grad().",
    "checkpoint": "One dict holds all that has to be kept: model.state_dict(), optimizer.state_dict(), the epoch. "
    "torch.save writes it. To read it, torch.load with weights_only=True, and load_state_dict twice.",
}
