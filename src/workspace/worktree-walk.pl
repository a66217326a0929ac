# How a command in a sandbox reaches the files of its working copy. A path is walked one directory at a time from the
# top, and each is entered only as the directory it is: whatever a program puts in its place meanwhile, no link is ever
# followed.
#
# No module is loaded: start-up is most of what this costs.
use strict;

my $top = '/workspace';

# By what perl's own file says it was made for.
my %processors = (
  62  => { linkat => 265, directory => 0200000, nofollow => 0400000 },
  183 => { linkat => 37,  directory => 0040000, nofollow => 0100000 },
);
my $number = $processors{ processor() } or die "Cannot reach files: not on this processor\n";

# asm-generic/fcntl.h
my $read_only    = 0;
my $write_only   = 1;
my $new_only     = 0300;
my $nonblock     = 04000;
my $path_only    = 010000000;
my $nofollow     = $number->{nofollow};
my $directory    = $number->{directory};
my $nameless     = 020000000 | $directory;
my $here         = -100;
my $through_link = 0x400;

# asm-generic/errno.h
my ($not_permitted, $missing, $would_wait, $no_access, $exists)  = (1, 2, 11, 13, 17);
my ($no_directory, $is_directory, $too_large, $no_space)         = (20, 21, 27, 28);
my ($not_empty, $loop, $unsupported, $over_quota)               = (39, 40, 95, 122);

# How many segments of the path lead to what is being looked at.
my $depth = 0;

sub processor {
  open my $perl, '<', '/proc/self/exe' or die "Cannot read /proc/self/exe: $!\n";
  read $perl, my $head, 20 or die "Cannot read /proc/self/exe: $!\n";
  return unpack 'x18 v', $head;
}

# Enters directory after directory from the top, as far as they are there; returns how many.
sub enter {
  my @names = @_;
  $depth = 0;
  chdir $top or fail($top);
  for my $entered (0 .. $#names) {
    $depth = $entered + 1;
    my $name = $names[$entered];
    if (!sysopen my $next, $name, $path_only | $directory | $nofollow) {
      return $entered if $! == $missing;
      fail($name);
    }
    elsif (!chdir $next) {
      fail($name);
    }
  }
  return scalar @names;
}

# Enters the directory a path leads through, and returns the last name.
sub enter_parent {
  my @names = @_;
  my $name  = pop @names;
  enter(@names) == @names or refuse('missing');
  $depth = @names + 1;
  return $name;
}

# Tells why a call on a name failed, and ends.
sub fail {
  my ($name) = @_;
  my $error = $! + 0;
  refuse('missing')   if $error == $missing;
  refuse('forbidden') if $error == $no_access || $error == $not_permitted;
  refuse('many')      if is_full($error);
  refuse('held')      if $error == $would_wait;
  if (grep { $error == $_ } $exists, $no_directory, $is_directory, $loop) {
    my $mode = mode_of($name);
    refuse(defined $mode ? obstacle($mode) : 'changing');
  }
  $! = $error;
  die "Cannot reach files: $!\n";
}

sub is_full {
  my ($error) = @_;
  return $error == $no_space || $error == $over_quota || $error == $too_large;
}

# Answers why not, and where.
sub refuse {
  my ($why) = @_;
  say_line('no', $why, $depth);
  # A failure makes the sandbox look which of its limits was hit.
  exit($why eq 'full' || $why eq 'many' ? 1 : 0);
}

sub say_line {
  put(\*STDOUT, join(' ', @_) . "\n") or die "Cannot answer: $!\n";
}

sub put {
  my ($handle, $bytes) = @_;
  for (my $at = 0; $at < length $bytes;) {
    my $written = syswrite $handle, $bytes, length($bytes) - $at, $at;
    return 0 unless defined $written;
    $at += $written;
  }
  return 1;
}

sub mode_of {
  my ($name) = @_;
  return (lstat $name)[2];
}

sub is_file {
  my ($mode) = @_;
  return ($mode & 0170000) == 0100000;
}

sub kind_of {
  my ($mode) = @_;
  return $mode & 0100 ? 'executable' : 'file' if is_file($mode);
  return { 0040000 => 'directory', 0120000 => 'symlink' }->{ $mode & 0170000 } // 'other';
}

sub obstacle {
  my ($mode) = @_;
  return is_file($mode) ? 'file' : kind_of($mode);
}

sub min { $_[0] < $_[1] ? $_[0] : $_[1] }
sub max { $_[0] > $_[1] ? $_[0] : $_[1] }
