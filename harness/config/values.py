"""Text becomes typed values; what does not fit is refused with the rule that it broke."""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv4Address

# Proxmox VE's own grammar: storage ids (pve-storage-id), node names and bridges (pve-node, pve-iface).
STORAGE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*[A-Za-z0-9]")
NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?")
INTERFACE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{1,14}")

_SWITCH = {"yes": True, "true": True, "on": True, "1": True, "no": False, "false": False, "off": False, "0": False}


class MalformedError(ValueError):
    """A value that breaks its rule. ``rule`` empty stands for the declared rule of the key it was given for."""

    def __init__(self, rule: str = "", hint: str = "") -> None:
        super().__init__(rule)
        self.rule = rule
        self.hint = hint


def whole_number(text: str, least: int, most: int) -> int:
    """``text`` as a number of digits between ``least`` and ``most``."""
    if not re.fullmatch(r"[0-9]{1,20}", text):
        raise MalformedError
    number = int(text)
    if not least <= number <= most:
        raise MalformedError
    return number


def switch(text: str) -> bool:
    """``yes`` or ``no``, and the spellings that people also use."""
    try:
        return _SWITCH[text.lower()]
    except KeyError:
        raise MalformedError from None


def address(text: str) -> IPv4Address:
    """``text`` as one IPv4 address."""
    try:
        return IPv4Address(text)
    except AddressValueError as error:
        raise MalformedError(hint=str(error)) from error


def matching(text: str, pattern: re.Pattern[str]) -> str:
    """``text`` if all of it matches ``pattern``."""
    if not pattern.fullmatch(text):
        raise MalformedError
    return text
