# How programs stand still while their files are copied, and go on: this text stands between holder.pl and launcher.pl.
#
# Parents stop before their children and go on after them. So nobody learns that a child of its own was stopped, the list of
# children of whoever stands still is complete, and no session loses a leader while its members are stopped, for which
# the kernel would end them.
my ($PATIENCE_SECONDS, $PAUSE_SECONDS) = (5, 0.0002);

# In this order; not those that had been stopped before, which are to stay so.
my @stopped;

# Each thread when all stood still: its state, and how often it had been given a processor. Whether we killed some since.
my (%state, %turns, $has_killed);

sub threads {
    opendir my $list, "/proc/$_[0]/task" or return;
    return map { "/proc/$_[0]/task/$_" } grep { /^\d/ } readdir $list;
}

# Any thread may start a process, which then is a child of that thread.
sub children {
    my @pids;
    for my $thread (threads($_[0])) {
        open my $list, '<', "$thread/children" or next;
        push @pids, split ' ', <$list> // '';
    }
    return @pids;
}

sub state_of {
    my ($thread) = @_;
    open my $file, '<', "$thread/stat" or return 'X';
    local $/;
    # The program's name stands in parentheses and may hold anything.
    my ($state) = (<$file> // '') =~ /.*\) (\S)/s;
    return $state{$thread} = $state // 'X';
}

# vfork lends a child its parent's memory: the parent is not stopped before the child has let go of it.
sub waits_for_child {
    my ($thread) = @_;
    open my $file, '<', "$thread/syscall" or return 0;
    my ($call) = split ' ', <$file> // '';
    return grep { defined $call && defined && $call eq $_ } @number{qw(clone vfork)};
}

sub is_stopped { return !grep { state_of($_) !~ /[TZX]/ } threads($_[0]) }

sub stands_still {
    return !grep { my $state = state_of($_); !($state =~ /[TZX]/ or $state eq 'D' && waits_for_child($_)) } threads($_[0]);
}

# That a thread is given a processor is counted when it begins to run: the count of one that stops does not grow.
sub turns_of {
    my %counted;
    for my $thread (map { threads($_) } @_) {
        open my $counts, '<', "$thread/schedstat" or next;
        $counted{$thread} = (split ' ', <$counts> // '')[2] // 0;
    }
    return \%counted;
}

# One that stops may lose its processor a last time before it leaves it. The kernel answers this question afterwards.
sub leave_processor {
    for my $thread (map { threads($_) } @_) {
        open my $call, '<', "$thread/syscall" or next;
        readline $call;
    }
}

# Stops the processes that $programs names, and all below them. Until a process stands still it may wake one that did, or
# start one and end, which makes that the child of a process whose children were seen already. So it is all looked at again
# until nothing is new: whoever ran between two looks was not there at the first.
sub stand_still {
    my ($programs) = @_;
    my $end = time + $PATIENCE_SECONDS;
    my (%is_ours, $is_settled);
    my @seen_before;
    until ($is_settled) {
        %state = ();
        my @level = my @seen = $programs->();
        my $is_new = 0;
        while (@level) {
            for my $pid (grep { !is_stopped($_) } @level) {
                next if $is_ours{$pid} and stands_still($pid);
                $is_new = 1;
                push @stopped, $pid if kill 'STOP', $pid and !$is_ours{$pid}++;
            }
            for my $pid (@level) {
                until (stands_still($pid)) {
                    die "Cannot stop the programs: process $pid goes on\n" if time > $end;
                    select undef, undef, undef, $PAUSE_SECONDS;
                    kill 'STOP', $pid;
                }
            }
            push @seen, @level = map { children($_) } @level;
        }
        die "Cannot stop the programs: there are ever new ones\n" if time > $end;
        $is_settled = !$is_new && "@seen" eq "@seen_before";
        @seen_before = @seen;
    }
    leave_processor(@seen_before);
    %turns = %{turns_of(@seen_before)};
    $has_killed = 0;
}

# A kill is the one signal that is heard while all stand still. It lets no program run, but those it ends, and whoever has
# lent them memory, are given a processor for what the kernel does.
sub note_kill { $has_killed = 1 }

# Dies where something ran since all stood still: a timer of its own can wake a program.
sub check_still {
    my ($programs) = @_;
    my @pids = my @level = $programs->();
    push @pids, @level while @level = map { children($_) } @level;
    my $now = turns_of(@pids);
    for my $thread (keys %{{%turns, %$now}}) {
        my $before = $turns{$thread};
        next if defined $before and $has_killed || $state{$thread} eq 'Z' || $before == ($now->{$thread} // -1);
        die "Cannot keep the programs still: one of them ran\n";
    }
}

sub go_on {
    kill 'CONT', reverse @stopped;
    @stopped = ();
}
