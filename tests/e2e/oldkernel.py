# SPDX-License-Identifier: ISC
"""An older kernel, for one child: system calls that it has never heard of.

without(...) is a preexec_fn that puts a filter in place, in which the calls
named fail with ENOSYS. Knows x86-64 and nothing of who is started.
"""
import ctypes
import platform
import struct

# name -> (number, its first argument or None)
CALLS = {
    "seccomp": [(317, None), (157, 22)],  # and prctl(PR_SET_SECCOMP)
    "landlock": [(444, None), (445, None), (446, None)],
    "no_new_privs": [(157, 38)],
    "unshare": [(272, None)],
    "close_range": [(436, None)],
}
LOAD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, ENOSYS = 0x7fff0000, 0x00050000 | 38
PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 22, 38

is_possible = platform.machine() == "x86_64"
libc = ctypes.CDLL(None, use_errno=True)


class Program(ctypes.Structure):
    _fields_ = [("n", ctypes.c_ushort), ("code", ctypes.c_void_p)]


def rules(number, arg):
    """One call: ENOSYS where it is this one, else on to what follows."""
    checks = [(0, number)] + ([(16, arg)] if arg is not None else [])
    out = []
    for i, (offset, value) in enumerate(checks):
        left = 2 * (len(checks) - i - 1) + 1
        out += [(LOAD, 0, 0, offset), (JUMP_IF_EQUAL, 0, left, value)]
    return out + [(RETURN, 0, 0, ENOSYS)]


def without(*names):
    code = [r for name in names for call in CALLS[name] for r in rules(*call)]
    code.append((RETURN, 0, 0, ALLOW))
    text = ctypes.create_string_buffer(
        b"".join(struct.pack("<HBBI", *r) for r in code))
    program = Program(len(code), ctypes.addressof(text))

    def install():
        keep = text  # it must outlive the program's address
        # Root may do without; for others there is no other way.
        if libc.prctl(PR_SET_SECCOMP, 2, ctypes.byref(program), 0, 0) != 0:
            libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
            assert libc.prctl(PR_SET_SECCOMP, 2, ctypes.byref(program), 0,
                              0) == 0, (ctypes.get_errno(), keep)
    return install


def landlock_version():
    return max(0, libc.syscall(444, None, 0, 1)) if is_possible else 0
