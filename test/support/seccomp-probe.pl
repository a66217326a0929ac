#!/usr/bin/perl
# Makes the raw system calls that standard input lists, one a line: a label, the number of the call, its arguments.
# An argument is a number or "=TEXT", a pointer to that text. Prints for each line the label and the errno, 0 for success.
use strict;

$| = 1;
while (my $line = <STDIN>) {
  chomp $line;
  my ($label, $number, @arguments) = split /\t/, $line;
  my @values = map { /^=(.*)/s ? "$1" : $_ + 0 } @arguments;
  my $result = syscall($number, @values);
  my $errno = $result == -1 ? $! + 0 : 0;
  # A clone that is let through comes back twice; the second process has nothing to do here.
  exec '/usr/bin/true' if $label =~ /^clone / && $result == 0;
  print "$label\t$errno\n";
}
