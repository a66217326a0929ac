# How the launcher of one sandbox comes to hold it: it makes its namespaces and carries out a mount plan. They last as
# long as the process, so nothing of them outlives it.
#
# It is perl because perl-base is on every Debian and can make system calls itself: one process, where mount(8) would
# take one more for each step (7 ms against 13).
use strict;
use warnings;

our %number;

sub call {
    my ($name, @arguments) = @_;
    # perl passes a number as a long and a string as a pointer to its bytes.
    return if syscall($number{$name}, @arguments) == 0;
    die "Cannot $name(@{[join ', ', grep { defined && length } @arguments]}): $!\n";
}

sub write_file {
    my ($path, $content) = @_;
    open my $file, '>', $path or die "Cannot open $path: $!\n";
    syswrite $file, $content;
    close $file or die "Cannot write $path: $!\n";
}

my %take = (
    unshare => sub {
        my ($flags, $inside_uid) = @_;
        my ($uid, $gid) = ($>, 0 + $));
        call('unshare', 0 + $flags);
        write_file('/proc/self/setgroups', 'deny');
        write_file('/proc/self/uid_map', "$inside_uid $uid 1");
        write_file('/proc/self/gid_map', "$inside_uid $gid 1");
    },
    mount => sub {
        my ($source, $target, $type, $flags, $data) = @_;
        call('mount', $source, $target, $type, 0 + $flags, $data);
    },
    mkdir    => sub { mkdir $_[0], 0755 or die "Cannot mkdir $_[0]: $!\n" },
    symlink  => sub { symlink $_[0], $_[1] or die "Cannot symlink $_[1]: $!\n" },
    write    => sub { write_file(@_) },
    hostname => sub { call('sethostname', $_[0], length $_[0]) },
    # A sandbox without network still has its own 127.0.0.1: test suites bind it.
    loopback => sub {
        socket my $socket, 2, 2, 0 or die "Cannot open a socket: $!\n";
        my $request = pack 'a16 s x22', 'lo', 1;
        ioctl $socket, 0x8914, $request or die "Cannot raise lo: $!\n";
    },
);

# Carries out the steps of a plan; each is its name, the count of its arguments, the arguments.
sub carry_out {
    my @fields = @_;
    while (@fields) {
        my ($step, $count) = splice @fields, 0, 2;
        ($take{$step} or die "Cannot carry out $step: unknown step\n")->(splice @fields, 0, $count);
    }
}
