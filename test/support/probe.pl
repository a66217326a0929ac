# Tries what a program in a sandbox must not be able to do, and says how each try ended.
#
# Reads attempts from standard input, one a line: a verb and its arguments, separated by tabs. Prints a line for each:
# "ok", or the name of the errno, or "silence" where nothing answered in time. Runs the same inside and outside.
use strict;
use warnings;
use Errno ();
use Fcntl qw(:flock O_WRONLY O_RDWR O_CREAT O_APPEND);
use Socket qw(:DEFAULT inet_pton getaddrinfo);

$| = 1;
local $SIG{PIPE} = 'IGNORE';

sub address {
    my ($host, $port) = @_;
    return $host =~ /:/ ? (AF_INET6, pack_sockaddr_in6($port, inet_pton(AF_INET6, $host))) : (AF_INET, pack_sockaddr_in($port, inet_aton($host)));
}

# A socket that gives up after two seconds, connected, and greeted by who is there.
sub talk {
    my ($kind, $family, $address) = @_;
    socket my $socket, $family, $kind, 0 or return;
    setsockopt $socket, SOL_SOCKET, $_, pack 'l!l!', 2, 0 for SO_RCVTIMEO, SO_SNDTIMEO;
    connect $socket, $address or return;
    send $socket, 'hello', 0 or return;
    my $answer;
    return defined recv $socket, $answer, 100, 0;
}

sub write_to {
    my ($path, $flags) = @_;
    sysopen my $file, $path, O_WRONLY | O_APPEND | $flags or return;
    return defined syswrite $file, "x\n";
}

my %verb = (
    tcp      => sub { talk(SOCK_STREAM, address(@_)) },
    udp      => sub { talk(SOCK_DGRAM, address(@_)) },
    unix     => sub { talk(SOCK_STREAM, AF_UNIX, pack_sockaddr_un($_[0])) },
    abstract => sub { talk(SOCK_STREAM, AF_UNIX, pack('Sa*', AF_UNIX, "\0$_[0]")) },
    socket   => sub { socket my $socket, $_[0], $_[1], $_[2] },
    resolve  => sub { my ($failure) = getaddrinfo($_[0], 'https'); $! = Errno::EHOSTUNREACH() if $failure; !$failure },
    read     => sub { open my $file, '<', $_[0] or return; defined sysread $file, my $byte, 1 },
    list     => sub { opendir my $directory, $_[0] },
    exists   => sub { -e $_[0] },
    write    => sub { write_to($_[0], O_CREAT) },
    change   => sub { write_to($_[0], 0) },
    truncate => sub { truncate $_[0], 0 },
    unlink   => sub { unlink $_[0] },
    rename   => sub { rename $_[0], $_[1] },
    chmod    => sub { chmod 0777, $_[0] },
    chown    => sub { chown 0, 0, $_[0] },
    touch    => sub { utime 1, 1, $_[0] },
    link     => sub { link $_[0], $_[1] },
    mkdir    => sub { mkdir $_[0] },
    kill     => sub { kill 0, $_[0] },
    chroot   => sub { chroot $_[0] },
    setuid   => sub { $! = 0; ($<, $>) = ($_[0], $_[0]); $> == $_[0] },
    nice     => sub { setpriority 0, 0, -5 },
    lock     => sub { open my $file, '<', $_[0] or return; flock $file, LOCK_EX | LOCK_NB },
    # x64 and arm64 have different numbers; the caller gives those of this machine.
    syscall  => sub { my ($number, @rest) = @_; syscall($number, map { /^=(.*)/s ? "$1" : $_ + 0 } @rest) != -1 },
);

my %name = map { Errno->can($_)->() => $_ } grep { $_ ne 'EWOULDBLOCK' } keys %!;
while (my $line = <STDIN>) {
    chomp $line;
    my ($verb, @arguments) = split /\t/, $line;
    $! = 0;
    my $done = $verb{$verb}->(@arguments);
    my $errno = $! + 0;
    print $done ? 'ok' : $errno == Errno::EAGAIN() ? 'silence' : $name{$errno} // "errno $errno", "\n";
}
