# Reads, writes, lists and removes files where they lie, so that their host follows no path of a sandbox: it sends and
# gets bytes only. The first line of the answer is "ok" and what was found, or "no", why, and how many segments of the
# path lead there.

my $chunk_bytes = 128 * 1024;

# What a program undoes while this one works is done again, but not for ever.
my $tries = 100;

# The name a content has on its way where it must have one, and the directory in which it then is.
my ($passing, $station);
END { unlink $passing if defined $station && chdir $station }

# A file that may not grow further is told like any other lack of room, and cleaned up here.
$SIG{XFSZ} = 'IGNORE';

my ($verb, $path, @arguments) = @ARGV;
my @segments = split m{/}, pack 'H*', $path;
my %answer   = (read => \&read_file, write => \&write_file, list => \&list, remove => \&remove);
binmode STDIN;
binmode STDOUT;
$answer{$verb}->(@arguments);
exit 0;

# Sends a part of a file, after: its size, whether it is executable, where the part begins, and how long it is.
sub read_file {
  my ($offset, $length) = @_;
  my $name = enter_parent(@segments);
  # Found but not opened, a FIFO or a device notices nothing; what then is opened is this very file.
  sysopen my $found, $name, $path_only | $nofollow or fail($name);
  my ($mode, $size) = (stat $found)[2, 7];
  refuse(obstacle($mode)) unless is_file($mode);
  sysopen my $file, link_to($found), $read_only | $nonblock or fail($name);
  $offset = $offset < 0 ? max(0, $size + $offset) : min($offset, $size);
  $length = min($length, $size - $offset);
  say_line('ok', $size, $mode & 0100 ? 1 : 0, $offset, $length);
  defined sysseek $file, $offset, 0 or die "Cannot read: $!\n";
  while ($length > 0) {
    my $got = sysread $file, my $chunk, min($length, $chunk_bytes);
    defined $got or die "Cannot read: $!\n";
    $got > 0 or die "Cannot read: the file became shorter meanwhile\n";
    put(\*STDOUT, $chunk) or die "Cannot answer: $!\n";
    $length -= $got;
  }
}

# Puts what stdin brings in the place of a file, once all of it is there.
sub write_file {
  (my $wish, $passing) = @_;
  my $file  = open_content();
  my $bytes = receive($file);
  for (1 .. $tries) {
    my $name    = make_parent()               // next;
    my $existed = place($file, $name, $wish) // next;
    return say_line('ok', $existed, $bytes);
  }
  refuse('changing');
}

# A file without a name, in the last directory of the path that is there: nobody sees half of it, and nothing is left
# of it if this program is killed. Overlayfs has such files from Linux 6.10 on; elsewhere it has its passing name.
# What is in the way is told before the content is asked for.
sub open_content {
  my @parents = @segments;
  my $name    = pop @parents;
  for (1 .. $tries) {
    $depth = my $entered = enter(@parents);
    refuse_obstacle(mode_of($name)) if $entered == @parents;
    my $file;
    return $file if sysopen $file, '.', $nameless | $write_only, 0600;
    next if $! == $missing;
    fail('.') unless $! == $unsupported || $! == $is_directory;
    next unless defined make_parent();
    open_station();
    return $file if sysopen $file, $passing, $new_only | $nofollow | $write_only, 0600;
    fail('.') unless $! == $missing;
  }
  refuse('changing');
}

sub open_station {
  sysopen $station, '.', $path_only | $directory or die "Cannot write: $!\n";
}

sub refuse_obstacle {
  my ($mode) = @_;
  return if !defined $mode || is_file($mode);
  $depth = @segments;
  refuse(obstacle($mode));
}

# The content comes in pieces, each after its length; one of no length says that it is whole.
sub receive {
  my ($file) = @_;
  my $bytes = 0;
  while (my $left = unpack 'N', take(4)) {
    $bytes += $left;
    while ($left > 0) {
      my $chunk = take_some(min($left, $chunk_bytes));
      $left -= length $chunk;
      next if put($file, $chunk);
      refuse('full') if is_full($! + 0);
      die "Cannot write: $!\n";
    }
  }
  return $bytes;
}

sub take {
  my ($length) = @_;
  my $bytes = '';
  $bytes .= take_some($length - length $bytes) while length $bytes < $length;
  return $bytes;
}

sub take_some {
  my ($most) = @_;
  my $got = sysread STDIN, my $chunk, $most;
  defined $got or die "Cannot take in the content: $!\n";
  # Half of a content must not look like the whole.
  $got > 0 or die "Cannot take in the content: it is cut off\n";
  return $chunk;
}

# Enters the directory of the file, which it makes where it is missing; undef where a program undoes that.
sub make_parent {
  my @parents = @segments;
  my $name    = pop @parents;
  my $entered = enter(@parents);
  for my $parent (@parents[$entered .. $#parents]) {
    $depth = ++$entered;
    if (!mkdir $parent, 0777) {
      return if $! == $missing;
      fail($parent) unless $! == $exists;
    }
    sysopen my $next, $parent, $path_only | $directory | $nofollow or return;
    chdir $next or fail($parent);
  }
  $depth = @segments;
  return $name;
}

# Gives the content its name: 1 where that replaced a file, 0 where it did not, undef where a program was in between.
sub place {
  my ($file, $name, $wish) = @_;
  set_mode($file, ($wish eq 'executable' ? 0777 : 0666) & ~umask);
  if (!defined $station) {
    return 0 if name_file($file, $name);
    return   if $! == $missing;
    fail($name) unless $! == $exists;
  }
  my $mode = mode_of($name);
  refuse_obstacle($mode);
  set_mode($file, wished_mode($mode & 0777, $wish)) if defined $mode;
  if (!defined $station) {
    # No call puts a file without a name in the place of another.
    open_station();
    if (!name_file($file, $passing)) {
      fail($passing) unless $! == $missing;
      undef $station;
      return;
    }
  }
  if (!rename $passing, $name) {
    refuse('changing') if $! == $missing;
    fail($name);
  }
  undef $station;
  return defined $mode ? 1 : 0;
}

sub set_mode {
  my ($file, $mode) = @_;
  chmod $mode, $file or die "Cannot set the mode: $!\n";
}

sub wished_mode {
  my ($mode, $wish) = @_;
  return $mode if $wish eq 'keep';
  # Who may read it may run it, as git has it.
  return $wish eq 'executable' ? $mode | ($mode & 0444) >> 2 : $mode & ~0111;
}

sub name_file {
  my ($file, $name) = @_;
  my $source = link_to($file);
  return syscall($number->{linkat}, $here, $source, $here, $name, $through_link) == 0;
}

# A path to what is open, whatever happens to its name.
sub link_to {
  my ($handle) = @_;
  return '/proc/self/fd/' . fileno $handle;
}

# The entries of a directory in the order of their bytes, each as kind and size, name, and what a link says.
sub list {
  my ($limit) = @_;
  enter(@segments) == @segments or refuse('missing');
  opendir my $handle, '.' or fail('.');
  my @names = sort grep { $_ ne '.' && $_ ne '..' && !(@segments == 0 && $_ eq '.git') } readdir $handle;
  my $is_cut = @names > $limit;
  splice @names, $limit if $is_cut;
  say_line('ok', $is_cut ? 1 : 0);
  for my $name (@names) {
    my ($mode, $size) = (lstat $name)[2, 7];
    next unless defined $mode;
    my $kind   = kind_of($mode);
    my $target = $kind eq 'symlink' ? readlink $name : '';
    next unless defined $target;
    print "$kind $size\0$name\0$target\0" or die "Cannot answer: $!\n";
  }
  close STDOUT or die "Cannot answer: $!\n";
}

# Removes whatever bears the name, a link as the link it is.
sub remove {
  my ($is_recursive) = @_;
  my $name = enter_parent(@segments);
  my $mode = mode_of($name) // refuse('missing');
  my $kind = kind_of($mode);
  if (!($kind eq 'directory' ? rmdir $name : unlink $name)) {
    fail($name) unless $kind eq 'directory' && ($! == $not_empty || $! == $exists);
    refuse('occupied') unless $is_recursive;
    # It follows no link, and no depth is too much for it.
    system { '/bin/rm' } 'rm', '-rf', '--one-file-system', '--', "./$name";
    refuse('resisting') if $? != 0;
  }
  say_line('ok', $kind);
}
