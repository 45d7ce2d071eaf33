"""Seeing the losses of `torch.nn.functional` with gradients off, at no cost with gradients on.

The functions stay the objects that they are, since a wrapper in their place would be seen by all
that knows them by identity, name, source or signature (torch.compile, torch.jit, pickle, fx). Their
code alone is another one: compiled from torch's own source with each `return value` made
`return seen(value, …)`, line by line and column by column the same, so that tracebacks and warnings
are as ever. It is done only where that source, compiled unchanged, gives the very code that is
there.
"""

from __future__ import annotations
import __future__

import ast
import functools
import inspect
import os
from collections.abc import Callable
from types import CodeType, FunctionType
from typing import Any

from lrmonitor.probe import hooks

SWITCH = "LRMONITOR_EVAL_LOSS"
"""Variable that turns this off when it is 0."""

LOSSES = (
    "cross_entropy", "nll_loss", "mse_loss", "binary_cross_entropy",
    "binary_cross_entropy_with_logits", "l1_loss", "smooth_l1_loss", "huber_loss", "kl_div",
    "poisson_nll_loss", "gaussian_nll_loss", "soft_margin_loss", "multilabel_soft_margin_loss",
)  # fmt: skip
"""Those that are seen: what they are given is called `input`, `target` and `reduction`."""

NAME = "_lrmonitor_seen_{}"
"""What the functions call, in torch's module."""

NEEDED = ("_get_tracing_state", "_len_torch_dispatch_stack", "_functorch", "DisableTorchFunction")
"""What of torch `evaluation.py` asks."""

_FUTURES = functools.reduce(
    lambda flags, name: flags | getattr(__future__, name).compiler_flag,
    __future__.all_feature_names,
    0,
)


def watch(torch: Any) -> None:
    """See them from here on, unless that is off."""
    if os.environ.get(SWITCH, "").strip() == "0":
        return
    if not all(hasattr(torch._C, name) for name in NEEDED):
        return  # of a version that is not known
    module = vars(torch.nn.functional)
    for name in LOSSES:
        function = module.get(name)
        if type(function) is not FunctionType or function.__globals__ is not module:
            continue
        code = seeing(function, NAME.format(name))
        if code is not None:
            module[NAME.format(name)] = _seer(torch, name)
            function.__code__ = code


def _seer(torch: Any, name: str) -> Callable[..., Any]:
    grad_enabled = torch.is_grad_enabled

    def seen(loss: Any, target: Any, reduction: str) -> Any:
        steps = hooks._current
        if steps is not None:
            if grad_enabled():
                steps.evaluation.mark = steps.step
            else:
                try:
                    steps.evaluation.seen(loss, name, target, reduction)
                except Exception:
                    steps.failed("at a loss without gradients")
        return loss

    return seen


def seeing(function: FunctionType, name: str) -> CodeType | None:
    """The function's code with each value that it returns given to `name` first, with its `target`
    and `reduction`; None where that cannot be had without changing anything else."""
    code = function.__code__
    arguments = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    if code.co_freevars or not {"target", "reduction"} <= set(arguments):
        return None
    try:
        lines, _ = inspect.findsource(function)
        first = code.co_firstlineno
        # With as many lines before it as in the file.
        tree = ast.parse("\n" * (first - 1) + "".join(_block(lines, first - 1)))
        head = next(n for n, line in enumerate(lines) if line.startswith(("def ", "class ", "@")))
        tree.body.insert(0, _imports("".join(lines[:head])))
        if not _alike(_compiled(tree, code), code):
            return None
        _Returns(name).visit(tree)
        found = _compiled(tree, code)
    except Exception:  # no source, or none that could be this function's
        return None
    return found if _fits(found, code) else None


def _block(lines: list[str], first: int) -> list[str]:
    """The lines of a function at the module's level; `inspect` is slow at this."""
    for last in range(first + 1, len(lines)):
        if lines[last][0] not in " \t\n\r#)":
            return lines[first:last]
    return lines[first:]


@functools.lru_cache(1)
def _imports(head: str) -> ast.stmt:
    """An import of all names that a module imports in its beginning: what is called of an imported
    name is compiled differently."""
    found = [
        (alias.asname or alias.name).partition(".")[0]
        for node in ast.parse(head).body
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
    ]
    made = ast.Import([ast.alias(name) for name in found or ["sys"]])
    return ast.fix_missing_locations(made)


class _Returns(ast.NodeTransformer):
    """Gives what is returned to a function first."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._within = False

    def visit_FunctionDef(self, node: ast.FunctionDef) -> Any:
        """The function itself, not those within it."""
        if self._within:
            return node
        self._within = True
        return self.generic_visit(node)

    def visit_Lambda(self, node: ast.Lambda) -> Any:
        """Has no return."""
        return node

    def visit_Return(self, node: ast.Return) -> Any:
        """But for a tensor's own way of doing it, which calls the function again."""
        value = node.value
        if value is None or (
            isinstance(value, ast.Call)
            and isinstance(value.func, ast.Name)
            and value.func.id == "handle_torch_function"
        ):
            return node

        def name(id: str) -> ast.expr:
            return ast.copy_location(ast.Name(id, ast.Load()), value)

        given = [value, name("target"), name("reduction")]
        node.value = ast.copy_location(ast.Call(name(self._name), given, []), value)
        return node


def _compiled(tree: ast.Module, like: CodeType) -> CodeType | None:
    flags = like.co_flags & _FUTURES
    whole = compile(tree, like.co_filename, "exec", flags=flags, dont_inherit=True)
    found = [c for c in whole.co_consts if isinstance(c, CodeType) and c.co_name == like.co_name]
    return found[0] if len(found) == 1 else None


def _alike(one: CodeType | None, other: CodeType) -> bool:
    """Whether both do the same."""
    return (
        one is not None
        and _fits(one, other)
        and one.co_code == other.co_code
        and one.co_consts == other.co_consts
        and one.co_names == other.co_names
        and one.co_varnames == other.co_varnames
    )


def _fits(one: CodeType | None, other: CodeType) -> bool:
    """Whether one can be the code of the other's function."""
    return one is not None and all(
        getattr(one, name) == getattr(other, name)
        for name in (
            "co_argcount",
            "co_posonlyargcount",
            "co_kwonlyargcount",
            "co_flags",
            "co_freevars",
            "co_cellvars",
            "co_firstlineno",
        )
    )
