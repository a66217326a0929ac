# The launcher of a local driver: starts everything that its sandboxes need, and nothing else.
#
# Node copies its page tables for each process it starts: 3 ms with 50 MB in use, 12 ms with 250 MB, 30 ms with 1 GB, all
# of them on its one thread. This program stays small, so a start costs it a third of a millisecond. It lives as long as
# its stdin, and what it started ends with it.
#
# Each sandbox has a launcher of its own, forked from the first, which holds the sandbox's namespaces: see holder.pl,
# which stands before this text and brings %number (the system calls of this machine) and carry_out(). Between them
# stands stillness.pl with stand_still(), check_still(), note_kill(), go_on() and children().
#
# Messages in both directions are a length of four bytes and that many bytes of strings, each after its own length.
$number{$1} = 0 + $2 while (shift // '') =~ /(\w+)=(\d+)/;

sub system_call {
    my ($name, @arguments) = @_;
    my $result = syscall($number{$name}, @arguments);
    die "Cannot $name: $!\n" if $result < 0;
    return $result;
}

my ($BLOCK, $UNBLOCK, $CHILD_ENDED, $ADOPT_ORPHANS, $END_WITH_PARENT) = (0, 1, (pack 'Q', 1 << 16), 36, 1);
my ($NOT_INHERITED, $NOT_WAITING) = (02000000, 04000);

# What whoever started the service left open must reach no sandbox.
system_call('close_range', 3, 0xffffffff, 0);
# Commands find their arguments and their filter at 3 and 4: nothing else may ever lie there.
open my $nothing, '+<', '/dev/null' or die "Cannot open /dev/null: $!\n";
open my $reserved, '+<', '/dev/null' or die "Cannot open /dev/null: $!\n";
system_call('rt_sigprocmask', $BLOCK, $CHILD_ENDED, 0, 8);
open my $endings, '<&=', system_call('signalfd4', -1, $CHILD_ENDED, 8, $NOT_INHERITED | $NOT_WAITING)
    or die "Cannot listen for endings: $!\n";
# Bubblewrap leaves its last process to others, which would let ended ones pile up.
system_call('prctl', $ADOPT_ORPHANS, 1);
umask 0022;

# By the names that Node gives: pids, and the ends of pipes that are not open there yet.
my (%pid_of, %name_of, %kept, %is_command);
my $received = '';

# Orders that wait while the commands stand still.
my ($is_still, @postponed) = (0);

sub answer {
    my $message = pack 'N/a*', pack '(N/a*)*', @_;
    while (length $message) {
        my $sent = syswrite STDOUT, $message;
        end_everything() unless defined $sent;
        substr($message, 0, $sent) = '';
    }
}

sub place_at {
    my ($descriptor, $from) = @_;
    system_call('dup3', fileno $from, $descriptor, 0);
}

sub limit {
    my ($resource, $value) = @_;
    system_call('prlimit64', 0, $resource, pack('QQ', $value, $value), 0);
}

# Bubblewrap reads its own arguments here: an argv would be visible inside the sandbox.
sub arguments_file {
    my $file = system_call('memfd_create', 'arguments', 0);
    open my $handle, '+<&=', $file or die "Cannot open a file in memory: $!\n";
    syswrite $handle, $_[0];
    sysseek $handle, 0, 0;
    return $handle;
}

sub become_tool {
    system_call('close_range', 3, 0xffffffff, 0);
    system_call('prctl', $END_WITH_PARENT, 9);
    %ENV = (PATH => '/usr/bin:/bin', LC_ALL => 'C');
    exec { $_[0] } @_;
}

my %become = (
    # A command in the sandbox, through bubblewrap: namespaces alone bring none of a sandbox's restrictions.
    command => sub {
        my ($mark, $file_bytes, $filter, $arguments, @argv) = @_;
        open my $rules, '<', $filter or die "Cannot open $filter: $!\n";
        place_at(3, arguments_file($arguments));
        place_at(4, $rules);
        limit(4, 0);
        limit(7, 4096);
        limit(1, $file_bytes);
        # When memory ends, a program goes, not what holds the sandbox.
        write_file('/proc/self/oom_score_adj', 300);
        system_call('close_range', 5, 0xffffffff, 0);
        %ENV = (PATH => '/usr/bin:/bin', FORKYARD_SANDBOX => $mark);
        chdir '/';
        exec { 'bwrap' } 'bwrap', '--args', 3, '--', @argv;
    },
    # A launcher for one sandbox. It goes on with the loop that it was made in.
    launcher => sub {
        # What lies above the endings belongs to others.
        system_call('close_range', 1 + fileno $endings, 0xffffffff, 0);
        system_call('prctl', $ADOPT_ORPHANS, 1);
        %pid_of = %name_of = %kept = %is_command = ();
        $received = '';
        return 1;
    },
    # A small program of the host, as the sandboxes' user; below a sandbox's launcher, with its rights over what it owns.
    tool => \&become_tool,
    # The same, with the rights and the mounts of a sandbox whose launcher was started here, but outside of its limits: it
    # works where the sandbox's own programs have used everything up.
    visitor => sub {
        my ($host, $memory_bytes, @argv) = @_;
        my $pid = $pid_of{$host} or die "Cannot visit: the sandbox ended\n";
        my @spaces = map { open my $space, '<', "/proc/$pid/ns/$_" or die "Cannot visit: $!\n"; $space } qw(user mnt);
        system_call('setns', fileno $_, 0) for @spaces;
        limit(9, $memory_bytes);
        become_tool(@argv);
    },
);

sub start {
    my ($name, $has_input, $waits, $kind, @rest) = @_;
    my (@theirs, @ours);
    for my $is_input ($has_input ? 1 : (), 0, 0) {
        my ($reader, $writer);
        pipe $reader, $writer or return answer('failed', $name, "$!");
        push @theirs, $is_input ? $reader : $writer;
        push @ours,   $is_input ? $writer : $reader;
    }
    my ($gate, $opener);
    if ($waits and not pipe $gate, $opener) { return answer('failed', $name, "$!") }
    my $pid = fork;
    return answer('failed', $name, "$!") unless defined $pid;
    if ($pid == 0) {
        my $goes_on = eval {
            system_call('setsid');
            system_call('rt_sigprocmask', $UNBLOCK, $CHILD_ENDED, 0, 8) if $kind ne 'launcher';
            place_at(0, $has_input ? shift @theirs : $nothing);
            place_at(1, shift @theirs);
            place_at(2, shift @theirs);
            if ($waits) {
                close $opener;
                sysread $gate, my $word, 1 or system_call('exit_group', 125);
            }
            $become{$kind}->(@rest) or die "Cannot start $kind: $!\n";
        };
        return if $goes_on;
        syswrite STDERR, $@;
        system_call('exit_group', 125);
    }
    $pid_of{$name} = $pid;
    $name_of{$pid} = $name;
    $is_command{$name} = $kind eq 'command';
    $kept{$name} = [$opener, @ours];
    answer('started', $name, $pid, map { fileno $_ } @ours);
}

# A command that ends leaves behind what is being killed, which comes to us without a name.
sub programs { return grep { my $name = $name_of{$_}; !defined $name or $is_command{$name} } children($$) }

sub reap {
    sysread $endings, my $seen, 4096;
    while ((my $pid = waitpid -1, 1) > 0) {
        my $status = $?;
        my $name = delete $name_of{$pid} // next;
        delete $pid_of{$name};
        delete $is_command{$name};
        answer('ended', $name, $status >> 8, $status & 127);
    }
}

my %signal = (
    # The namespace's init leads the session of the program; no signal of its own kind can end it.
    program => sub { my ($pid, $signal) = @_; kill $signal, -$_ for children($pid) },
    # The inner side first: its init takes every process with it, and the outer process ends only once all are gone.
    tree => sub { my ($pid, $signal) = @_; my @inner = children($pid); kill $signal, @inner ? @inner : (-$pid, $pid) },
    itself => sub { my ($pid, $signal) = @_; kill $signal, $pid },
);

my %obey = (
    start => \&start,
    # From now on this launcher is a sandbox's.
    hold => sub {
        my ($name, @steps) = @_;
        eval { carry_out(@steps); 1 } ? answer('held', $name) : answer('failed', $name, $@);
    },
    # Until they go on, no command runs, starts or hears a signal, but the one that nothing withstands.
    stand_still => sub {
        my ($name) = @_;
        $is_still = 1;
        eval { stand_still(\&programs); 1 } ? answer('still', $name) : answer('failed', $name, $@);
    },
    check_still => sub {
        my ($name) = @_;
        eval { check_still(\&programs); 1 } ? answer('still', $name) : answer('failed', $name, $@);
    },
    go_on => sub {
        go_on();
        $is_still = 0;
        obey(@$_) for splice @postponed;
    },
    # The other ends of its pipes are open: ours are not needed any more, and it may begin.
    go => sub {
        my $ends = delete $kept{ $_[0] } // return;
        syswrite $ends->[0], 'g' if $ends->[0];
    },
    signal => sub {
        my ($name, $whom, $signal) = @_;
        # Not reaped yet: the number is still its own.
        my $pid = $pid_of{$name} or return;
        note_kill() if $is_still and $is_command{$name};
        $signal{$whom}->($pid, 0 + $signal);
    },
);

sub must_wait {
    my ($what, $name, @rest) = @_;
    return $rest[2] eq 'command' if $what eq 'start';
    # What has not started yet must not be ended before it has.
    return $what eq 'signal' && !($pid_of{$name} && $rest[1] == 9);
}

sub obey {
    my ($what, @fields) = @_;
    return push @postponed, [@_] if $is_still and must_wait(@_);
    $obey{$what}->(@fields);
}

sub end_everything {
    for my $pid (values %pid_of) { $signal{tree}->($pid, 9); kill 9, $pid }
    system_call('exit_group', 0);
}

while (1) {
    my $awaited = '';
    vec($awaited, $_, 1) = 1 for 0, fileno $endings;
    next if select($awaited, undef, undef, undef) < 0;
    reap() if vec $awaited, fileno $endings, 1;
    next unless vec $awaited, 0, 1;
    sysread STDIN, $received, 1 << 20, length $received or end_everything();
    while (length $received >= 4 and length $received >= 4 + (my $length = unpack 'N', $received)) {
        my @order = unpack '(N/a)*', substr $received, 4, $length;
        substr($received, 0, 4 + $length) = '';
        obey(@order);
    }
}
