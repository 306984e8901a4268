package org.vportd.posix;

import com.kenai.jffi.CallContext;
import com.kenai.jffi.CallingConvention;
import com.kenai.jffi.Invoker;
import com.kenai.jffi.Library;
import com.kenai.jffi.Type;
import java.util.Arrays;

/**
 * Calls the C library by way of jffi. jnr-ffi above it could implement {@link LibC} by itself, but makes code for that each
 * time the program starts; the calls are not faster then, while start and memory are the worse for it.
 *
 * <p>Each argument and result travels as a {@code long}. On the Linux ABIs supported here that is as good as an {@code int},
 * of which a callee looks at the lower half and leaves the upper half of its result undefined.
 */
final class JffiLibC implements LibC {
    private static final Invoker INVOKER = Invoker.getInstance();
    private static final Library LIBRARY = Library.getDefault();
    private static final CallContext NONE = signature(0);
    private static final CallContext ONE = signature(1);
    private static final CallContext TWO = signature(2);
    private static final CallContext THREE = signature(3);
    private static final CallContext FOUR = signature(4);
    private static final CallContext FIVE = signature(5);
    private static final CallContext SIX = signature(6);

    private static final long OPEN = symbol("open");
    private static final long CLOSE = symbol("close");
    private static final long READ = symbol("read");
    private static final long WRITE = symbol("write");
    private static final long READV = symbol("readv");
    private static final long WRITEV = symbol("writev");
    private static final long FCNTL = symbol("fcntl");
    private static final long IOCTL = symbol("ioctl");
    private static final long STATX = symbol("statx");
    private static final long FSTATFS = symbol("fstatfs");
    private static final long PIPE2 = symbol("pipe2");
    private static final long EVENTFD = symbol("eventfd");
    private static final long EPOLL_CREATE1 = symbol("epoll_create1");
    private static final long EPOLL_CTL = symbol("epoll_ctl");
    private static final long EPOLL_WAIT = symbol("epoll_wait");
    private static final long POLL = symbol("poll");
    private static final long INOTIFY_INIT1 = symbol("inotify_init1");
    private static final long INOTIFY_ADD_WATCH = symbol("inotify_add_watch");
    private static final long MEMFD_CREATE = symbol("memfd_create");
    private static final long FTRUNCATE = symbol("ftruncate");
    private static final long FLOCK = symbol("flock");
    private static final long MMAP = symbol("mmap");
    private static final long MUNMAP = symbol("munmap");
    private static final long MREMAP = symbol("mremap");
    private static final long MADVISE = symbol("madvise");
    private static final long SOCKET = symbol("socket");
    private static final long SOCKETPAIR = symbol("socketpair");
    private static final long BIND = symbol("bind");
    private static final long LISTEN = symbol("listen");
    private static final long ACCEPT4 = symbol("accept4");
    private static final long CONNECT = symbol("connect");
    private static final long SHUTDOWN = symbol("shutdown");
    private static final long GETSOCKOPT = symbol("getsockopt");
    private static final long SETSOCKOPT = symbol("setsockopt");
    private static final long GETSOCKNAME = symbol("getsockname");
    private static final long GETPEERNAME = symbol("getpeername");
    private static final long SEND = symbol("send");
    private static final long RECV = symbol("recv");
    private static final long SENDMSG = symbol("sendmsg");
    private static final long RECVMSG = symbol("recvmsg");
    private static final long UNLINK = symbol("unlink");
    private static final long RENAME = symbol("rename");
    private static final long SYMLINK = symbol("symlink");
    private static final long MKFIFO = symbol("mkfifo");
    private static final long UMASK = symbol("umask");
    private static final long POSIX_OPENPT = symbol("posix_openpt");
    private static final long GRANTPT = symbol("grantpt");
    private static final long UNLOCKPT = symbol("unlockpt");
    private static final long PTSNAME_R = symbol("ptsname_r");
    private static final long TCGETATTR = symbol("tcgetattr");
    private static final long TCSETATTR = symbol("tcsetattr");
    private static final long CFMAKERAW = symbol("cfmakeraw");
    private static final long ISATTY = symbol("isatty");
    private static final long STRERROR = symbol("strerror");
    private static final long GETEUID = symbol("geteuid");
    private static final long GETPGID = symbol("getpgid");

    private static CallContext signature(int arguments) {
        Type[] types = new Type[arguments];
        Arrays.fill(types, Type.SINT64);
        return CallContext.getCallContext(Type.SINT64, types, CallingConvention.DEFAULT, true);
    }

    private static long symbol(String name) {
        long address = LIBRARY.getSymbolAddress(name);
        if (address == 0) {
            throw new UnsatisfiedLinkError("the C library has no function " + name);
        }
        return address;
    }

    private static long call(long function) {
        return INVOKER.invokeL0(NONE, function);
    }

    private static long call(long function, long a) {
        return INVOKER.invokeL1(ONE, function, a);
    }

    private static long call(long function, long a, long b) {
        return INVOKER.invokeL2(TWO, function, a, b);
    }

    private static long call(long function, long a, long b, long c) {
        return INVOKER.invokeL3(THREE, function, a, b, c);
    }

    private static long call(long function, long a, long b, long c, long d) {
        return INVOKER.invokeL4(FOUR, function, a, b, c, d);
    }

    private static long call(long function, long a, long b, long c, long d, long e) {
        return INVOKER.invokeL5(FIVE, function, a, b, c, d, e);
    }

    private static long call(long function, long a, long b, long c, long d, long e, long f) {
        return INVOKER.invokeL6(SIX, function, a, b, c, d, e, f);
    }

    @Override
    public int open(long path, int flags, int mode) {
        return (int) call(OPEN, path, flags, mode);
    }

    @Override
    public int close(int fd) {
        return (int) call(CLOSE, fd);
    }

    @Override
    public long read(int fd, long buf, long count) {
        return call(READ, fd, buf, count);
    }

    @Override
    public long write(int fd, long buf, long count) {
        return call(WRITE, fd, buf, count);
    }

    @Override
    public long readv(int fd, long iov, int iovcnt) {
        return call(READV, fd, iov, iovcnt);
    }

    @Override
    public long writev(int fd, long iov, int iovcnt) {
        return call(WRITEV, fd, iov, iovcnt);
    }

    @Override
    public int fcntl(int fd, int cmd, long arg) {
        return (int) call(FCNTL, fd, cmd, arg);
    }

    @Override
    public int ioctl(int fd, long request, long arg) {
        return (int) call(IOCTL, fd, request, arg);
    }

    @Override
    public int statx(int dirfd, long path, int flags, int mask, long buf) {
        return (int) call(STATX, dirfd, path, flags, mask, buf);
    }

    @Override
    public int fstatfs(int fd, long buf) {
        return (int) call(FSTATFS, fd, buf);
    }

    @Override
    public int pipe2(long fds, int flags) {
        return (int) call(PIPE2, fds, flags);
    }

    @Override
    public int eventfd(int initval, int flags) {
        return (int) call(EVENTFD, initval, flags);
    }

    @Override
    public int epoll_create1(int flags) {
        return (int) call(EPOLL_CREATE1, flags);
    }

    @Override
    public int epoll_ctl(int epfd, int op, int fd, long event) {
        return (int) call(EPOLL_CTL, epfd, op, fd, event);
    }

    @Override
    public int epoll_wait(int epfd, long events, int maxevents, int timeout) {
        return (int) call(EPOLL_WAIT, epfd, events, maxevents, timeout);
    }

    @Override
    public int poll(long fds, long nfds, int timeout) {
        return (int) call(POLL, fds, nfds, timeout);
    }

    @Override
    public int inotify_init1(int flags) {
        return (int) call(INOTIFY_INIT1, flags);
    }

    @Override
    public int inotify_add_watch(int fd, long path, int mask) {
        return (int) call(INOTIFY_ADD_WATCH, fd, path, mask);
    }

    @Override
    public int memfd_create(long name, int flags) {
        return (int) call(MEMFD_CREATE, name, flags);
    }

    @Override
    public int ftruncate(int fd, long length) {
        return (int) call(FTRUNCATE, fd, length);
    }

    @Override
    public int flock(int fd, int operation) {
        return (int) call(FLOCK, fd, operation);
    }

    @Override
    public long mmap(long addr, long length, int prot, int flags, int fd, long offset) {
        return call(MMAP, addr, length, prot, flags, fd, offset);
    }

    @Override
    public int munmap(long addr, long length) {
        return (int) call(MUNMAP, addr, length);
    }

    @Override
    public long mremap(long oldAddress, long oldSize, long newSize, int flags, long newAddress) {
        return call(MREMAP, oldAddress, oldSize, newSize, flags, newAddress);
    }

    @Override
    public int madvise(long addr, long length, int advice) {
        return (int) call(MADVISE, addr, length, advice);
    }

    @Override
    public int socket(int domain, int type, int protocol) {
        return (int) call(SOCKET, domain, type, protocol);
    }

    @Override
    public int socketpair(int domain, int type, int protocol, long fds) {
        return (int) call(SOCKETPAIR, domain, type, protocol, fds);
    }

    @Override
    public int bind(int fd, long addr, int len) {
        return (int) call(BIND, fd, addr, len);
    }

    @Override
    public int listen(int fd, int backlog) {
        return (int) call(LISTEN, fd, backlog);
    }

    @Override
    public int accept4(int fd, long addr, long len, int flags) {
        return (int) call(ACCEPT4, fd, addr, len, flags);
    }

    @Override
    public int connect(int fd, long addr, int len) {
        return (int) call(CONNECT, fd, addr, len);
    }

    @Override
    public int shutdown(int fd, int how) {
        return (int) call(SHUTDOWN, fd, how);
    }

    @Override
    public int getsockopt(int fd, int level, int name, long value, long len) {
        return (int) call(GETSOCKOPT, fd, level, name, value, len);
    }

    @Override
    public int setsockopt(int fd, int level, int name, long value, int len) {
        return (int) call(SETSOCKOPT, fd, level, name, value, len);
    }

    @Override
    public int getsockname(int fd, long addr, long len) {
        return (int) call(GETSOCKNAME, fd, addr, len);
    }

    @Override
    public int getpeername(int fd, long addr, long len) {
        return (int) call(GETPEERNAME, fd, addr, len);
    }

    @Override
    public long send(int fd, long buf, long len, int flags) {
        return call(SEND, fd, buf, len, flags);
    }

    @Override
    public long recv(int fd, long buf, long len, int flags) {
        return call(RECV, fd, buf, len, flags);
    }

    @Override
    public long sendmsg(int fd, long msg, int flags) {
        return call(SENDMSG, fd, msg, flags);
    }

    @Override
    public long recvmsg(int fd, long msg, int flags) {
        return call(RECVMSG, fd, msg, flags);
    }

    @Override
    public int unlink(long path) {
        return (int) call(UNLINK, path);
    }

    @Override
    public int rename(long from, long to) {
        return (int) call(RENAME, from, to);
    }

    @Override
    public int symlink(long target, long path) {
        return (int) call(SYMLINK, target, path);
    }

    @Override
    public int mkfifo(long path, int mode) {
        return (int) call(MKFIFO, path, mode);
    }

    @Override
    public int umask(int mask) {
        return (int) call(UMASK, mask);
    }

    @Override
    public int posix_openpt(int flags) {
        return (int) call(POSIX_OPENPT, flags);
    }

    @Override
    public int grantpt(int fd) {
        return (int) call(GRANTPT, fd);
    }

    @Override
    public int unlockpt(int fd) {
        return (int) call(UNLOCKPT, fd);
    }

    @Override
    public int ptsname_r(int fd, long buf, long len) {
        return (int) call(PTSNAME_R, fd, buf, len);
    }

    @Override
    public int tcgetattr(int fd, long termios) {
        return (int) call(TCGETATTR, fd, termios);
    }

    @Override
    public int tcsetattr(int fd, int actions, long termios) {
        return (int) call(TCSETATTR, fd, actions, termios);
    }

    @Override
    public void cfmakeraw(long termios) {
        call(CFMAKERAW, termios);
    }

    @Override
    public int isatty(int fd) {
        return (int) call(ISATTY, fd);
    }

    @Override
    public long strerror(int errnum) {
        return call(STRERROR, errnum);
    }

    @Override
    public int geteuid() {
        return (int) call(GETEUID);
    }

    @Override
    public int getpgid(int pid) {
        return (int) call(GETPGID, pid);
    }
}
