"""Restricts this process as a unit says, then executes a command: python sandbox.py UNIT COMMAND...

It applies SystemCallFilter=, RestrictAddressFamilies=, MemoryDenyWriteExecute=, NoNewPrivileges= and UMask= with the
same facility of the kernel as systemd (seccomp). Mounts and namespaces need more rights than tests may have.
"""

import ctypes
import errno
import os
import socket
import subprocess
import sys
from pathlib import Path

ALLOW, DENY = 0x7FFF0000, 0x00050000  # SCMP_ACT_ALLOW, SCMP_ACT_ERRNO
EQUAL, GREATER, MASKED = 4, 6, 7  # SCMP_CMP_EQ, SCMP_CMP_GT, SCMP_CMP_MASKED_EQ
WRITE_AND_EXECUTE, EXECUTE, SHM_EXECUTE = 6, 4, 0o100000
ALWAYS = "execve exit exit_group getrlimit rt_sigreturn time nanosleep clock_nanosleep pause".split()  # systemd.exec(5)
FAMILIES = 45  # The highest address family that systemd knows.


class Comparison(ctypes.Structure):
    """struct scmp_arg_cmp."""

    _fields_ = (("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64))


class Filter:
    """A filter of system calls."""

    def __init__(self, default: int) -> None:
        """Start without rules."""
        self._library = ctypes.CDLL("libseccomp.so.2")
        self._library.seccomp_init.restype = ctypes.c_void_p
        self._context = ctypes.c_void_p(self._library.seccomp_init(default))

    def add(self, action: int, name: str, *comparisons: Comparison) -> None:
        """Add a rule; names of system calls that this machine does not have are ignored."""
        number = self._library.seccomp_syscall_resolve_name(name.encode())
        if number >= 0:
            array = (Comparison * len(comparisons))(*comparisons)
            rule = self._library.seccomp_rule_add_array
            assert rule(self._context, ctypes.c_uint32(action), number, len(comparisons), array) == 0, name

    def load(self) -> None:
        """Apply the filter to this process and its children; this also sets no_new_privs."""
        assert self._library.seccomp_load(self._context) == 0


def expand(words: list[str]) -> set[str]:
    """Return the system calls of groups such as @system-service, as systemd defines them."""
    found = set()
    for word in words:
        if word.startswith("@"):
            command = ["systemd-analyze", "syscall-filter", word]
            lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[1:]
            found |= expand([line.strip() for line in lines if not line.strip().startswith("#")])
        else:
            found.add(word)
    return found


def allowed_calls(values: list[str]) -> set[str]:
    """Return the system calls that the lines of SystemCallFilter= leave."""
    found = set(ALWAYS)
    for value in values:
        calls = expand(value.removeprefix("~").split())
        found = found - calls if value.startswith("~") else found | calls
    return found | set(ALWAYS)


def refusals(families: list[str]) -> Filter:
    """Return the filter for memory that is writable and executable, and for address families."""
    found = Filter(ALLOW)
    for name, bits in (("mmap", WRITE_AND_EXECUTE), ("mprotect", EXECUTE), ("pkey_mprotect", EXECUTE)):
        found.add(DENY | errno.EPERM, name, Comparison(2, MASKED, bits, bits))
    found.add(DENY | errno.EPERM, "shmat", Comparison(2, MASKED, SHM_EXECUTE, SHM_EXECUTE))
    permitted = {int(getattr(socket, family)) for family in families}
    for family in set(range(FAMILIES + 1)) - permitted:
        found.add(DENY | errno.EAFNOSUPPORT, "socket", Comparison(0, EQUAL, family, 0))
    found.add(DENY | errno.EAFNOSUPPORT, "socket", Comparison(0, GREATER, FAMILIES, 0))
    return found


def main(unit: str, *command: str) -> None:
    """Apply what the unit says, and execute the command."""
    lines = [line.partition("=") for line in Path(unit).read_text().splitlines()]
    values = {name: [value for other, _, value in lines if other == name] for name, _, _ in lines}
    assert values["MemoryDenyWriteExecute"] == values["NoNewPrivileges"] == ["yes"]
    calls = allowed_calls(values["SystemCallFilter"])
    own = Filter(DENY | errno.EPERM)
    for call in calls:
        own.add(ALLOW, call)
    os.umask(int(values["UMask"][0], 8))
    refusals(values["RestrictAddressFamilies"][0].split()).load()
    own.load()
    os.execv(command[0], command)


if __name__ == "__main__":
    main(*sys.argv[1:])
