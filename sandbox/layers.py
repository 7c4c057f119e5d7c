"""The layers that a child puts on, from the outside in, and how each is probed afterwards.

Linux, called through libc. The order matters: limits, then namespaces (while there is one thread),
then no new privileges, files (Landlock), and the filter of system calls last, because the others
need what it forbids. Nothing that is not ours is imported before.
"""

import ctypes
import errno
import importlib.util
import os
import resource
import signal
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

_libc = ctypes.CDLL(None, use_errno=True)

NEWNS, NEWUTS, NEWIPC, NEWUSER, NEWNET = 0x20000, 0x4000000, 0x8000000, 0x10000000, 0x40000000
PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS, PR_GET_NO_NEW_PRIVS = 1, 38, 39
CAPSET, CAPABILITY_VERSION_3 = 126, 0x20080522
LANDLOCK_CREATE, LANDLOCK_ADD, LANDLOCK_RESTRICT = 444, 445, 446
LANDLOCK_VERSION = 1
PATH_BENEATH = 1
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
ALL_OF_ABI_1 = (1 << 13) - 1
# Sockets, pipes, devices and links by name: a folder of an errand holds files and folders only, so
# that whoever reads in it afterwards reads nothing else.
SPECIAL = 1 << 6 | 1 << 9 | 1 << 10 | 1 << 11 | 1 << 12
REFER, TRUNCATE, DEVICE = 1 << 13, 1 << 14, 1 << 15
SYSTEM = ("/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/localtime", "/proc/self",
          "/proc/cpuinfo", "/proc/meminfo", "/sys/devices/system/cpu", "/dev/urandom",
          "/dev/random", "/dev/zero")  # fmt: skip
# A domain that no kernel has: the filter answers it with a code of its own, so that one can ask
# whether the filter is there without being killed by it.
PROBE_DOMAIN = 4242
CLONE_THREAD = 0x10000

FORBIDDEN = (
    "accept", "accept4", "acct", "add_key", "bind", "bpf", "chroot", "connect", "delete_module",
    "execve", "execveat", "finit_module", "fork", "fsconfig", "fsmount", "fsopen", "fspick",
    "init_module", "io_uring_enter", "io_uring_register", "io_uring_setup", "ioperm", "iopl",
    "kexec_file_load", "kexec_load", "keyctl", "listen", "mknod", "mknodat", "mount",
    "mount_setattr", "move_mount", "name_to_handle_at", "open_by_handle_at", "open_tree",
    "perf_event_open", "personality", "pidfd_getfd", "pidfd_open", "pidfd_send_signal",
    "pivot_root", "process_madvise", "process_vm_readv", "process_vm_writev", "ptrace", "quotactl",
    "reboot", "recvfrom", "recvmmsg", "recvmsg", "request_key", "rt_sigqueueinfo",
    "rt_tgsigqueueinfo", "sendmmsg", "sendmsg", "sendto", "setdomainname", "setgid", "setgroups",
    "sethostname", "setns", "setregid", "setresgid", "setresuid", "setreuid", "setsid", "setuid",
    "socketpair", "swapoff", "swapon", "syslog", "umount2", "unshare", "userfaultfd", "vfork",
    "vhangup",
)  # fmt: skip

# Memory that no limit of the process counts.
UNCOUNTED_MEMORY = ("memfd_create", "memfd_secret", "mq_open", "msgget", "shmget")
PR_SET_DUMPABLE = 4


def die_with(parent: int) -> None:
    """A sandbox whose parent was killed is killed too."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def limit(told: dict[str, int]) -> bool:
    """Memory, processor time, size of files, processes; no core dumps, few open files."""
    wanted = {
        resource.RLIMIT_AS: told["address_space"],
        resource.RLIMIT_FSIZE: told["file_bytes"],
        resource.RLIMIT_NPROC: told["processes"],
        resource.RLIMIT_NOFILE: 256,
        resource.RLIMIT_CORE: 0,
    }
    for what, most in wanted.items():
        resource.setrlimit(what, (most, most))
    # One second more before the kernel kills outright: the first signal can be told from others.
    seconds = told["cpu_seconds"]
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    held = all(resource.getrlimit(what)[1] == most for what, most in wanted.items())
    return held and resource.getrlimit(resource.RLIMIT_CPU)[0] == seconds


def separate() -> None:
    """Own users, network, mounts and shared memory, as far as this machine lets one have them."""
    uid, gid = os.getuid(), os.getgid()
    if _libc.unshare(NEWUSER) == 0:
        _map("setgroups", "deny")
        _map("uid_map", f"{uid} {uid} 1")
        _map("gid_map", f"{gid} {gid} 1")
    for kind in (NEWNET, NEWNS, NEWIPC, NEWUTS):
        _libc.unshare(kind)


def _map(name: str, text: str) -> None:
    try:
        Path(f"/proc/self/{name}").write_text(text)
    except OSError:
        return  # then nobody is mapped, which is less, not more


def namespaces() -> dict[str, int]:
    """Which namespaces this process is in: the number behind each link."""
    named = {"network": "net", "users": "user", "mounts": "mnt", "interprocess": "ipc"}
    return {layer: _inode(f"/proc/self/ns/{name}") for layer, name in named.items()}


def _inode(path: str) -> int:
    try:
        return os.stat(path).st_ino
    except OSError:
        return 0


def give_up_capabilities() -> None:
    """What root may in its own namespaces it does not need either."""
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    _libc.syscall(CAPSET, ctypes.byref(header), ctypes.byref((ctypes.c_uint32 * 6)()))


def no_new_privileges() -> bool:
    _libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    return bool(_libc.prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)


class _Ruleset(ctypes.Structure):
    _fields_ = [("fs", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64)]


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32)]


def hide_files(readable: Iterable[str], writable: Iterable[str]) -> bool:
    """Landlock: nothing is there but these; then asked for something that is not among them."""
    abi = _libc.syscall(LANDLOCK_CREATE, None, 0, LANDLOCK_VERSION)
    if abi < 1:
        return False
    handled = _handled(abi)
    ruleset = _Ruleset(handled, 3 if abi >= 4 else 0, 3 if abi >= 6 else 0)
    size = 8 if abi < 4 else 16 if abi < 6 else 24
    descriptor = _libc.syscall(LANDLOCK_CREATE, ctypes.byref(ruleset), size, 0)
    if descriptor < 0:
        return False
    for path in (*SYSTEM, *readable):
        _allow(descriptor, path, READ_FILE | READ_DIR | EXECUTE)
    _allow(descriptor, "/dev/null", READ_FILE | WRITE_FILE)
    for path in writable:
        _allow(descriptor, path, handled & ~DEVICE & ~EXECUTE & ~SPECIAL)
    restricted = _libc.syscall(LANDLOCK_RESTRICT, descriptor, 0) == 0
    os.close(descriptor)
    return restricted and not _can_list_root()


def _handled(abi: int) -> int:
    handled = ALL_OF_ABI_1
    handled |= REFER if abi >= 2 else 0
    handled |= TRUNCATE if abi >= 3 else 0
    return handled | (DEVICE if abi >= 5 else 0)


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # what is not there needs no permission
    if not os.path.isdir(path):
        rights &= EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE
    rule = _PathBeneath(rights, parent)
    _libc.syscall(LANDLOCK_ADD, ruleset, PATH_BENEATH, ctypes.byref(rule), 0)
    os.close(parent)


def _can_list_root() -> bool:
    try:
        os.listdir("/")
    except PermissionError:
        return False
    return True


def load_filter_library(path: str) -> Any:
    """pyseccomp from its file: the environment of a model does not have it."""
    spec = importlib.util.spec_from_file_location("pyseccomp", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"No module can be read from {path}.")
    found = importlib.util.module_from_spec(spec)
    sys.modules["pyseccomp"] = found
    spec.loader.exec_module(found)
    return found


def filter_calls(seccomp: Any) -> bool:
    """No sockets, no new processes or programs, no look at other processes: who tries is killed."""
    guard = seccomp.SyscallFilter(defaction=seccomp.ALLOW)
    kill = seccomp.KILL_PROCESS
    for name in FORBIDDEN:
        _rule(guard, kill, name)
    for name in UNCOUNTED_MEMORY:
        _rule(guard, seccomp.ERRNO(errno.EPERM), name)
    equal, other = seccomp.EQ, seccomp.NE
    guard.add_rule(seccomp.ERRNO(errno.EXDEV), "socket", seccomp.Arg(0, equal, PROBE_DOMAIN))
    guard.add_rule(kill, "socket", seccomp.Arg(0, other, PROBE_DOMAIN))
    # A thread is a clone that shares everything; glibc asks clone3 first, whose flags lie in
    # memory that a filter cannot read, and falls back when it is not there.
    guard.add_rule(seccomp.ERRNO(errno.ENOSYS), "clone3")
    guard.add_rule(kill, "clone", seccomp.Arg(0, seccomp.MASKED_EQ, CLONE_THREAD, 0))
    # Else it could hide from its parent which files it holds open.
    guard.add_rule(kill, "prctl", seccomp.Arg(0, equal, PR_SET_DUMPABLE))
    own = os.getpid()
    for name in ("kill", "tgkill"):
        guard.add_rule(kill, name, seccomp.Arg(0, other, own))
    guard.add_rule(kill, "tkill")
    guard.load()
    return _filter_answers()


def _rule(guard: Any, action: int, name: str) -> None:
    try:
        guard.add_rule(action, name)
    except (ValueError, OSError):
        return  # this processor or library has no such call


def _filter_answers() -> bool:
    ctypes.set_errno(0)
    found = _libc.socket(PROBE_DOMAIN, 1, 0)
    return bool(found == -1 and ctypes.get_errno() == errno.EXDEV)
