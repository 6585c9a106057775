"""Where to begin with each exercise: what `checks.hint(name)` says before anything is written."""

FIRST_STEPS = {
    "warm_up": "Write the two steps for one number first: subtract, then divide. Then the shapes: PyTorch lines them "
    "up from the right, and three numbers would meet the width. Which shape brings them to the channels? `tensor.view` "
    "gives a tensor another shape.",
    "vgg_block": "Start with an empty list. In a loop over range(num_convs) add a convolution and a ReLU; after the "
    "first convolution there are out_channels channels. Add the pooling after the loop. nn.Sequential takes the layers "
    "one by one; a star in front of a list hands them over like that.",
    "receptive_field": "Go through the example [2, 3] with strides [2, 1] on paper: field and jump are 1 and 1 before "
    "the first layer, 2 and 2 after it. How do you get from one pair to the next? Field first, then jump.",
    "train_step": "Write the loop over the batches with the five steps of the list, one line each. Then add three sums "
    "that start at 0 before the loop: the losses of all images, the right answers, the images. What does a batch add "
    "to the first, if `loss_fn` gives its mean?",
    "early_stopper": "What must the object remember between two calls? The lowest loss so far (infinity before the "
    "first), the number of bad epochs in a row, and the two arguments. Write is_continuable as two cases, better than "
    "the lowest loss or not, and note for each what changes, what is saved and what is answered.",
    "plain_block": "In __init__ make four layers: convolution, batch norm, convolution, batch norm. Only the first "
    "convolution sees in_planes and the stride. In forward send x through them, with a ReLU behind each batch norm.",
    "gradient_norms": "Three steps: forget the old gradients; one forward pass, cross-entropy and backward(); then a "
    "loop over model.modules() that keeps those of class nn.Conv2d. Try one layer first: where does its gradient "
    "stand? `tensor.norm()` is the norm, `.item()` makes a float.",
    "extend_with_identity": "Treat one block first, and in it one pair of convolution and batch norm. The text says "
    "how a convolution copies its input. For the batch norm put mean 0, variance 1 and bias 0 into the formula and ask "
    "which weight gives x back; `norm.eps` is the eps. Then do the same with the other pair.",
    "basic_block": "Write the plain block of lesson 02 first, without its last ReLU: that is F(x). Then make the "
    "shortcut in __init__, an empty nn.Sequential() or the projection. In forward add F(x) and the shortcut of x, and "
    "let the ReLU come last.",
    "zero_init_residual": "Loop over model.modules() and ask of each with isinstance whether it is a CourseBlock. "
    "Which of a block's batch norms comes last in F? The functions of nn.init, such as nn.init.zeros_, set the numbers "
    "of a parameter in place.",
    "shortcut_gradient": "Start with the first part. `detach()` keeps the numbers of a tensor and stops its gradient: "
    "which of the two ways must be cut off, so that a gradient reaches x through F alone? Write the block's output "
    "like that and take its gradient at x. Then the other way round.",
    "needs_projection": "Write down the shape that comes in and the shape that goes out, channels and height, for the "
    "three examples. Which two things have to hold for the shapes to be equal? A projection is needed when one of them "
    "does not.",
    "projection_shortcut": "Two layers in an nn.Sequential: a convolution with kernel_size=1, and a batch norm. Which "
    "of them carries the stride, and how many channels does the second one see?",
    "pad_shortcut": "Two steps. A slice a[::3] keeps every third entry of a dimension; which dimensions of x are "
    "thinned out? Then count the missing channels and split them, for an odd number on paper first. F.pad takes the "
    "numbers in the order that the text names.",
    "bottleneck_shapes": "Do the example on paper, one convolution after the other: the first 1x1 changes the channels "
    "only, the 3x3 the height only, the last 1x1 the channels only.",
    "make_layer": "Write the list of strides first: the stride for the first block, 1 for each of the others. Then "
    "loop over it, build a block, and after each block ask yourself how many channels come out of it.",
    "flat_features": "Follow an image of 64x64 through the network and write its height behind each part: stem, four "
    "stages, pooling. How many numbers does one channel then hold, and how many channels are there? Then replace 64 by "
    "image_size.",
    "resnet18": "Start with __init__ and follow the table of the lesson from top to bottom, one line each. Set "
    "self.in_planes = 64 before the first stage. In forward each line of the table is one call again.",
    "load_torchvision": "Look at a few names first: print list(state_dict)[-4:]. Then fill a new dict in a loop over "
    "state_dict.items(): the name changes, the tensor stays. `text.replace(old, new)` gives a changed text. What is "
    "left to do with the new dict, and what with the model?",
    "fair_split": "Split one class first: find the indices of its images, bring them into a random order with your "
    "generator (torch.randperm), and cut off its share. Then loop over the classes. What is not in the validation part "
    "belongs to training.",
    "evaluate": "Take your train_step of lesson 01 and ask of each line whether it measures or learns. What learns "
    "goes, and so does the optimizer. Two things come in: another mode of the model, and torch.no_grad() around the "
    "loop.",
    "checkpoint": "Write down the three things that have to be kept, and give each a name in one dict: model and "
    "optimizer both have a state_dict(). torch.save writes the dict to a file. For loading, go through the same three "
    "names: what happens to each of them?",
    "lesion": "Make the copy first, and change only the copy. Then list the places of all blocks, one pair (stage, "
    "number in the stage) for each, and take the pair with the number `index`. An nn.Sequential lets you assign to a "
    "place.",
    "filter_normalise": "Leave the vectors for last. `tensor.flatten(1)` makes one row of each filter, and "
    "`.norm(dim=1)` gives one number for each row. Do that for both tensors. What do you multiply, and by what do you "
    "divide?",
    "bottleneck": "Write three pairs of convolution and batch norm in __init__, and note beside each what it makes of "
    "the channels: in_planes to planes, planes to planes, planes to four times planes. Then build the shortcut, as in "
    "basic_block, for the channels that leave the block.",
    "preact_block": "In forward, give the output of the first batch norm and ReLU a name of its own. Two things need "
    "it: the first convolution, and the projection where there is one. x itself is needed where there is none.",
    "few_shot_split": "Work on one class: its members are `(targets == label).nonzero().flatten()`, and "
    "`groups[members].unique()` are its different pictures. Bring those into a random order with your generator, and "
    "take one member of each of the first. For the test ask of every image whether its group was drawn: torch.isin.",
}
