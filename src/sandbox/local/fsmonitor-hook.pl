#!/usr/bin/perl
# Answers git's question "what changed since TOKEN?" (fsmonitor hook, protocol 2) without looking at the work tree:
# in a sandbox every change is in the overlay's upper directory, and in the layers above the image the token names.
#
# A token is the id of the image whose index git had validated. For that image the work tree below is known to be
# what its commit says, so the answer is: everything that lies above it. Naming a path too many costs one lstat;
# naming one too few is a wrong status. Where this program is not sure it therefore answers "/": look at everything.
#
# No module is loaded and no warning enabled: start-up is most of what this costs, and git shows stderr to its user.
use strict;

my $workspace = '/workspace';
my $run       = '/run/forkyard';

my $no_such_file      = 2;
my $no_such_attribute = 61;

my ($version, $since) = @ARGV;
die "Cannot answer: protocol version 2 is needed\n" unless defined $version && $version eq '2';

my @stack = stack();
my $is_workspace = is_workspace();
my @changed;
my $is_exact = $is_workspace && eval { list_changes($since); 1 };
@changed = '/' unless $is_exact;

binmode STDOUT;
print map { "$_\0" } next_token(), @changed or die "Cannot answer: $!\n";
close STDOUT or die "Cannot answer: $!\n";

# Image ids, the newest first.
sub stack {
  open my $file, '<', "$run/stack" or die "Cannot read the stack: $!\n";
  chomp(my @ids = <$file>);
  return @ids;
}

# The system's configuration names this hook for every repository; it knows about one.
sub is_workspace {
  my $git_dir = $ENV{GIT_DIR};
  return 0 if defined $git_dir && $git_dir !~ m{^(?:\./|\Q$workspace\E/)?\.git/?$};
  my ($device, $inode) = stat '.' or return 0;
  my ($expected_device, $expected_inode) = stat $workspace or return 0;
  return $device == $expected_device && $inode == $expected_inode;
}

# What git asks with next time. The builder of an image names the image that this work tree is about to become.
sub next_token {
  return 'elsewhere' unless $is_workspace;
  return $ENV{FORKYARD_NEXT_TOKEN} if length($ENV{FORKYARD_NEXT_TOKEN} // '');
  return $since if $is_exact;
  return @stack ? $stack[0] : 'blank';
}

sub list_changes {
  my ($image) = @_;
  my ($age) = grep { $stack[$_] eq $image } 0 .. $#stack;
  die "no image of this stack\n" unless defined $age;
  my @above = ("$run/upper", map { "$run/layers/$_" } @stack[0 .. $age - 1]);
  my @below = map { "$run/layers/$_" } @stack[$age .. $#stack];

  # Started first: it works while this program reads directories.
  my $is_of_image = index_is_of_image(@above);
  my $staged = $is_of_image ? undef : staged_since(image_commit(@below));
  list_layer($_, $is_of_image) for @above;
  return if $is_of_image;
  local $/ = "\0";
  chomp(my @paths = <$staged>);
  push @changed, @paths;
  close $staged or die "no comparison with the image\n";
}

# Whether git reads the very index that was validated for the token, and not one that was written later.
sub index_is_of_image {
  my @above = @_;
  return 0 if defined $ENV{GIT_INDEX_FILE};
  for my $layer (@above) {
    next unless lstat "$layer/.git";
    die "a repository that is elsewhere\n" unless -d _;
    return 0 if lstat "$layer/.git/index";
  }
  return 1;
}

# The commit whose files the image holds, all of them.
sub image_commit {
  my @below = @_;
  # Files outside of a cone are not in the layers: if they come and go again, no trace of them is left.
  die "a sparse image\n" if grep { lstat "$_/.git/info/sparse-checkout" } @below;
  die "an image without index\n" unless grep { -f "$_/.git/index" } @below;
  my ($layer) = grep { lstat "$_/.git/HEAD" } @below;
  die "an image without commit\n" unless defined $layer;
  open my $file, '<', "$layer/.git/HEAD" or die "unreadable HEAD\n";
  my $head = <$file>;
  die "an image on a branch\n" unless defined $head && $head =~ /^([0-9a-f]{40}|[0-9a-f]{64})$/;
  return $1;
}

# A file that was staged and then removed can be gone from the upper without a trace, while the index, written when
# it was there, calls it valid. Every such file is one that the image's commit has not, or has otherwise.
sub staged_since {
  my ($commit) = @_;
  local $ENV{GIT_NO_REPLACE_OBJECTS} = 1;
  local $ENV{GIT_NO_LAZY_FETCH}      = 1;
  open my $output, '-|', qw(git -c core.fsmonitor=false diff-index --cached --name-only -z --no-renames), $commit
    or die "no git\n";
  binmode $output;
  return $output;
}

sub list_layer {
  my ($layer, $is_of_image) = @_;
  my @directories = ('');
  while (defined(my $inside = pop @directories)) {
    my @names = grep { $_ ne '.' && $_ ne '..' && $_ ne '.git' } names_in("$layer/$inside");
    # A file that was never staged can come and go without a trace too, but then its directory is here. A name in it,
    # whichever, makes git read that directory again instead of answering from the untracked cache; the names of the
    # files here would not do, as git passes over those it could not track (".git", "git~1"). Only the top is always
    # here: where git has written no index and nothing lies in it, it is as it was.
    push @changed, "$inside?" unless $is_of_image && $inside eq '' && !@names;
    for my $name (@names) {
      my $path = "$inside$name";
      if (lstat "$layer/$path" and -d _) {
        # An opaque directory hides what was below it, a directory or a file.
        push @changed, $path if is_opaque("$layer/$path");
        push @directories, "$path/";
      }
      else {
        # A file, a link, or a whiteout. Git takes a name that it does not track for that of a directory.
        push @changed, $path;
      }
    }
  }
}

sub names_in {
  my ($directory) = @_;
  if (opendir my $handle, $directory) { return readdir $handle }
  # A program that runs at the same time may have removed it; what cannot be read otherwise is a riddle.
  die "an unreadable directory\n" unless $! == $no_such_file;
  return;
}

sub is_opaque {
  my ($directory) = @_;
  my ($name, $value) = ('user.overlay.opaque', "\0" x 8);
  return 1 if syscall(getxattr_number(), $directory, $name, $value, length $value) >= 0;
  die "unreadable attributes\n" unless $! == $no_such_attribute || $! == $no_such_file;
  return 0;
}

# perl-base has no module for extended attributes.
sub getxattr_number {
  require Config;
  my $architecture = $Config::Config{archname};
  return $architecture =~ /^x86_64/ ? 191 : $architecture =~ /^aarch64/ ? 8 : die "an unknown processor\n";
}
