package org.vportd.posix;

import com.kenai.jffi.LastError;

/**
 * The C library with its own names, on raw addresses. A call answers -1 when it failed; {@link #errno()} must be read at
 * once after that.
 *
 * <p>{@code fcntl}, {@code ioctl} and {@code open} are variadic in C; on the Linux ABIs supported here a variadic integer
 * travels like a fixed one.
 */
public interface LibC {
    /** The one instance: a static final, so that the JIT sees what is behind it. */
    LibC C = new JffiLibC();

    /** The error number of the last call of this thread that failed. */
    static int errno() {
        return LastError.getInstance().get(); // stored by jffi right after the call
    }

    int open(long path, int flags, int mode);

    int close(int fd);

    long read(int fd, long buf, long count);

    long write(int fd, long buf, long count);

    long readv(int fd, long iov, int iovcnt);

    long writev(int fd, long iov, int iovcnt);

    int fcntl(int fd, int cmd, long arg);

    int ioctl(int fd, long request, long arg);

    int statx(int dirfd, long path, int flags, int mask, long buf);

    int fstatfs(int fd, long buf);

    int pipe2(long fds, int flags);

    int eventfd(int initval, int flags);

    int epoll_create1(int flags);

    int epoll_ctl(int epfd, int op, int fd, long event);

    int epoll_wait(int epfd, long events, int maxevents, int timeout);

    int poll(long fds, long nfds, int timeout);

    int inotify_init1(int flags);

    int inotify_add_watch(int fd, long path, int mask);

    int memfd_create(long name, int flags);

    int ftruncate(int fd, long length);

    int flock(int fd, int operation);

    long mmap(long addr, long length, int prot, int flags, int fd, long offset);

    int munmap(long addr, long length);

    long mremap(long oldAddress, long oldSize, long newSize, int flags, long newAddress);

    int madvise(long addr, long length, int advice);

    int socket(int domain, int type, int protocol);

    int socketpair(int domain, int type, int protocol, long fds);

    int bind(int fd, long addr, int len);

    int listen(int fd, int backlog);

    int accept4(int fd, long addr, long len, int flags);

    int connect(int fd, long addr, int len);

    int shutdown(int fd, int how);

    int getsockopt(int fd, int level, int name, long value, long len);

    int setsockopt(int fd, int level, int name, long value, int len);

    int getsockname(int fd, long addr, long len);

    int getpeername(int fd, long addr, long len);

    long send(int fd, long buf, long len, int flags);

    long recv(int fd, long buf, long len, int flags);

    long sendmsg(int fd, long msg, int flags);

    long recvmsg(int fd, long msg, int flags);

    int unlink(long path);

    int rename(long from, long to);

    int symlink(long target, long path);

    int mkfifo(long path, int mode);

    int umask(int mask);

    int posix_openpt(int flags);

    int grantpt(int fd);

    int unlockpt(int fd);

    int ptsname_r(int fd, long buf, long len);

    int tcgetattr(int fd, long termios);

    int tcsetattr(int fd, int actions, long termios);

    void cfmakeraw(long termios);

    int isatty(int fd);

    long strerror(int errnum);

    int geteuid();

    int getpgid(int pid);
}
