# What the port... programs share. Of perl's modules the guest has only these two.
use strict;
use warnings;

$SIG{PIPE} = 'IGNORE';
$| = 1;

my @EVENTS = ([1, 'POLLIN'], [2, 'POLLPRI'], [4, 'POLLOUT'], [8, 'POLLERR'], [16, 'POLLHUP'], [32, 'POLLNVAL']);
my @open; # keeps the ports open

# Descriptor of a port, given as a device or as a number; mode 0 reads, 1 writes, 2 does both.
sub open_port {
    my ($port, $mode) = @_;
    return $port if $port =~ /^\d+$/;
    sysopen my $handle, $port, $mode or die "error=$!\n";
    push @open, $handle;
    return fileno $handle;
}

sub handle {
    my ($fd, $mode) = @_;
    open my $handle, "$mode&=", $fd or die "error=$!\n";
    return $handle;
}

sub mask {
    my ($name) = @_;
    $_->[1] eq $name and return $_->[0] for @EVENTS;
    return undef;
}

sub names {
    my ($mask) = @_;
    return join ' ', map { $mask & $_->[0] ? $_->[1] : () } @EVENTS;
}

sub poll_once {
    my ($fd, $mask, $timeout) = @_;
    my $pollfd = pack 'iss', $fd, $mask, 0;
    syscall(7, $pollfd, 1, $timeout + 0) >= 0 or die "error=$!\n"; # poll(2) on x86-64
    return (unpack 'iss', $pollfd)[2] & 0xffff;
}

sub now_ms {
    my $timespec = "\0" x 16;
    syscall 228, 1, $timespec; # clock_gettime(2) of the monotonic clock, on x86-64
    my ($seconds, $ns) = unpack 'qq', $timespec;
    return $seconds * 1000 + int($ns / 1000000);
}

# The pattern: 4096 bytes of a generator modulo 2^31, repeated, in which each 4096 bytes begin with
# their little-endian 64-bit position plus the seed. Returns a function that gives the next part.
sub pattern {
    my ($seed, $bytes) = @_;
    my $state = $seed & 0x7fffffff;
    my $page = pack 'C*', map { $state = ($state * 1103515245 + 12345) & 0x7fffffff; $state >> 16 & 255 } 1 .. 4096;
    my $position = 0;
    return sub {
        my $part = '';
        for (1 .. 8) {
            $part .= pack('Q<', $position + $seed) . substr $page, 8;
            $position += 4096;
        }
        return $position > $bytes ? substr $part, 0, 32768 - ($position - $bytes) : $part;
    };
}

# SHA-256 by a process beside this one, which uses no descriptor of ours.
sub hasher {
    pipe my $from, my $result or die "error=$!\n";
    pipe my $data, my $in or die "error=$!\n";
    my $pid = fork // die "error=$!\n";
    if (!$pid) {
        open STDIN, '<&', $data;
        open STDOUT, '>&', $result;
        exec 'sha256sum' or die "error=$!\n";
    }
    close $data;
    close $result;
    return { in => $in, out => $from, pid => $pid };
}

sub digest {
    my ($hash) = @_;
    close $hash->{in};
    my ($digest) = split ' ', readline $hash->{out};
    waitpid $hash->{pid}, 0;
    return $digest;
}

1;
