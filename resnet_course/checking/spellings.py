"""The same answer in other words, made by a program, and answers with two mistakes: what the checks are tried on.

A known wrong answer is found when it is typed as in the table, which proves little. Here it gets other names, other
functions for the same thing, another container for its layers and lines that change nothing; or a second mistake.
"""

from __future__ import annotations

import ast
import random
from collections.abc import Callable, Iterator

from resnet_course.checking.exercise import Exercise, edited

_CONV2D = ("in_channels", "out_channels", "kernel_size", "stride", "padding")


def respelled(source: str) -> Iterator[tuple[str, str]]:
    """Every other way to write this source that changes its text: the way, and the new source."""
    for way, change in WAYS.items():
        tree = ast.parse(source)
        before = ast.unparse(tree)
        after = ast.unparse(ast.fix_missing_locations(change(tree)))
        if after != before:
            yield way, after


def pairs(exercise: Exercise, most: int) -> Iterator[tuple[str, str, str]]:
    """Answers with two known mistakes, at most so many, drawn by chance but always the same: both ids, the source.

    Only mistakes that are edits of the right answer, in different places.
    """
    edits = [wrong for wrong in exercise.wrong if not isinstance(wrong.source, str)]
    drawn = [(one, other) for one in edits for other in edits if one.id < other.id]
    random.Random(exercise.name).shuffle(drawn)
    for one, other in drawn:
        try:
            both = edited(one.typed(exercise.answer), *other.source)
            turned = edited(other.typed(exercise.answer), *one.source)
            ast.parse(both)
        except (ValueError, SyntaxError):
            continue  # they change the same place
        if both == turned and both not in (one.typed(exercise.answer), other.typed(exercise.answer)):
            yield one.id, other.id, both
            most -= 1
        if most == 0:
            return


# --- Ways to write ----------------------------------------------------------------------------------------------------


class _Rename(ast.NodeTransformer):
    """Other names for local variables and for the attributes that the class makes."""

    def __init__(self, tree: ast.Module) -> None:
        functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
        parameters = {argument.arg for f in functions for argument in (*f.args.args, *f.args.kwonlyargs)}
        self.locals = {
            node.id
            for function in functions
            for node in ast.walk(function)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        } - parameters
        self.attributes = {
            node.attr
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and _is_own(node) and isinstance(node.ctx, ast.Store)
        }

    def visit_Name(self, node: ast.Name) -> ast.AST:
        """A variable."""
        return ast.Name(f"my_{node.id}", node.ctx) if node.id in self.locals else node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        """An attribute of self."""
        self.generic_visit(node)
        if node.attr in self.attributes and _is_own(node):
            return ast.Attribute(node.value, f"the_{node.attr}", node.ctx)
        return node


def _is_own(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"


def _renamed(tree: ast.Module) -> ast.Module:
    changed: ast.Module = _Rename(tree).visit(tree)
    return changed


class _OtherFunctions(ast.NodeTransformer):
    """torch.relu for F.relu, a method for a function, arguments by name."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """A call of one of the functions that have a twin."""
        self.generic_visit(node)
        called = ast.unparse(node.func)
        if called == "F.relu" and len(node.args) == 1 and not node.keywords:
            return ast.Call(ast.parse("torch.relu", mode="eval").body, node.args, [])
        if called == "torch.relu" and len(node.args) == 1:
            return ast.Call(ast.Attribute(node.args[0], "relu", ast.Load()), [], [])
        if called == "nn.Conv2d" and not any(isinstance(argument, ast.Starred) for argument in node.args):
            named = [ast.keyword(name, value) for name, value in zip(_CONV2D, node.args, strict=False)]
            return ast.Call(node.func, node.args[len(_CONV2D) :], [*named, *node.keywords])
        if called == "torch.cat" and len(node.args) == 1:
            return ast.Call(ast.parse("torch.concat", mode="eval").body, node.args, node.keywords)
        method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if method in ("argmax", "flatten") and len(node.args) == 1 and not called.startswith(("torch.", "nn.")):
            assert isinstance(node.func, ast.Attribute)
            function = ast.parse(f"torch.{method}", mode="eval").body
            return ast.Call(function, [node.func.value, *node.args], node.keywords)
        return node


def _other_functions(tree: ast.Module) -> ast.Module:
    changed: ast.Module = _OtherFunctions().visit(tree)
    return changed


class _ModuleDict(ast.NodeTransformer):
    """The layers of a class in an nn.ModuleDict in place of attributes."""

    def __init__(self, tree: ast.Module) -> None:
        self.layers = {
            target.attr
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign)
            and ast.unparse(node.value).startswith("nn.")
            and "nn.Parameter" not in ast.unparse(node.value)
            for target in node.targets
            if isinstance(target, ast.Attribute) and _is_own(target)
        }

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        """A layer."""
        self.generic_visit(node)
        if node.attr in self.layers and _is_own(node):
            layers = ast.Attribute(node.value, "layers", ast.Load())
            return ast.Subscript(layers, ast.Constant(node.attr), node.ctx)
        return node

    def visit_Expr(self, node: ast.Expr) -> ast.AST | list[ast.AST]:
        """The dict is made after super().__init__()."""
        self.generic_visit(node)
        if self.layers and ast.unparse(node) == "super().__init__()":
            return [node, ast.parse("self.layers = nn.ModuleDict()").body[0]]
        return node


def _in_module_dict(tree: ast.Module) -> ast.Module:
    changed: ast.Module = _ModuleDict(tree).visit(tree)
    return changed


class _IdleLines(ast.NodeTransformer):
    """A docstring, a note that nobody reads, and a name for the result before it is returned."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """A function or method."""
        self.generic_visit(node)
        idle = ast.parse("'My answer.'\nnote = 'step by step'").body
        return ast.FunctionDef(**{**dict(ast.iter_fields(node)), "body": [*idle, *node.body]})

    def visit_Return(self, node: ast.Return) -> ast.AST | list[ast.AST]:
        """The result."""
        if node.value is None:
            return node
        named = ast.Assign([ast.Name("result", ast.Store())], node.value, lineno=0)
        return [named, ast.Return(ast.Name("result", ast.Load()))]


def _idle_lines(tree: ast.Module) -> ast.Module:
    changed: ast.Module = _IdleLines().visit(tree)
    return changed


WAYS: dict[str, Callable[[ast.Module], ast.Module]] = {
    "other names": _renamed,
    "other functions": _other_functions,
    "layers in a ModuleDict": _in_module_dict,
    "idle lines": _idle_lines,
}
