# Answers commands on one connection. Started once in a container, as root; ends with its input.
#
# Request:  milliseconds, length of command, length of input (three 32-bit numbers, network order), command, input.
# Answer:   state (0 ended, 1 out of time), exit code, length of output, length of errors, output, errors.
#
# Needs nothing but perl-base, which Debian never lacks. A command is over when its shell ends: what it left running
# in the background may keep the pipes open without holding up the answer.
use strict;
use warnings;
use Fcntl qw(F_GETFL F_SETFL O_NONBLOCK);
use POSIX qw(WNOHANG);

use constant CHUNK => 65536;
use constant TICKS => POSIX::sysconf(POSIX::_SC_CLK_TCK());

$SIG{PIPE} = 'IGNORE';
pipe(my $ended_r, my $ended_w) or die "pipe: $!";
nonblocking($ended_r, $ended_w);
$SIG{CHLD} = sub { syswrite($ended_w, '.') };
chdir '/';

send_all('gitops-agent-1');
while (defined(my $head = take(12))) {
    my ($milliseconds, $command_size, $input_size) = unpack 'N3', $head;
    my ($command, $input) = (take($command_size), take($input_size));
    last unless defined $command && defined $input;
    my ($state, $code, $out, $err) = answer($command, $input, now() + $milliseconds / 1000);
    send_all(pack('N4', $state, $code, length $out, length $err) . $out . $err);
}

sub answer {
    my ($command, $input, $end) = @_;
    my ($pid, $in, $out, $err) = start($command);
    my %heard = (out => '', err => '');
    my %open = (out => $out, err => $err);
    my ($state, $status) = (0, undef);
    nonblocking($in, $out, $err);
    until (defined $status) {
        $in = feed($in, \$input) if $in && !length $input;
        my ($readable, $writable) = wait_for($end - now(), [$ended_r, values %open], $in ? [$in] : []);
        $in = feed($in, \$input) if $in && vec($writable, fileno $in, 1);
        for my $name (keys %open) {
            next unless vec($readable, fileno $open{$name}, 1);
            delete $open{$name} unless hear($open{$name}, \$heard{$name});
        }
        sysread($ended_r, my $marks, CHUNK) if vec($readable, fileno $ended_r, 1);
        $status = $? if waitpid($pid, WNOHANG) == $pid;
        if (!defined $status && now() >= $end) {
            $state = 1;
            kill 'KILL', -$pid;
            waitpid($pid, 0);
            $status = $?;
        }
    }
    drain($open{$_}, \$heard{$_}) for keys %open;
    return ($state, ($status & 127) ? 128 + ($status & 127) : $status >> 8, $heard{out}, $heard{err});
}

sub start {
    my ($command) = @_;
    pipe(my $in_r, my $in_w) or die "pipe: $!";
    pipe(my $out_r, my $out_w) or die "pipe: $!";
    pipe(my $err_r, my $err_w) or die "pipe: $!";
    my $pid = fork;
    die "fork: $!" unless defined $pid;
    if (!$pid) {
        $SIG{$_} = 'DEFAULT' for qw(PIPE CHLD);
        POSIX::setsid();
        POSIX::dup2(fileno $in_r, 0);
        POSIX::dup2(fileno $out_w, 1);
        POSIX::dup2(fileno $err_w, 2);
        { exec '/bin/sh', '-c', $command }
        POSIX::_exit(127);
    }
    close $_ for $in_r, $out_w, $err_w;
    return ($pid, $in_w, $out_r, $err_r);
}

# Seconds on a clock that never goes back; perl-base has no finer one.
sub now { return (POSIX::times())[0] / TICKS }

# Write what the command takes; undef once all is written or the command reads no more.
sub feed {
    my ($in, $input) = @_;
    if (length $$input) {
        my $written = syswrite($in, $$input, CHUNK);
        if (defined $written) { substr($$input, 0, $written, '') }
        elsif (!$!{EAGAIN}) { $$input = '' }
    }
    return $in if length $$input;
    close $in;
    return undef;
}

# Read once; false at end of file.
sub hear {
    my ($from, $heard) = @_;
    my $count = sysread($from, $$heard, CHUNK, length $$heard);
    return defined $count ? $count > 0 : $!{EAGAIN} || $!{EINTR};
}

# Take what is in the pipe by now, without waiting for more.
sub drain {
    my ($from, $heard) = @_;
    while (sysread($from, $$heard, CHUNK, length $$heard)) { }
}

sub wait_for {
    my ($seconds, $from, $to) = @_;
    my ($readable, $writable) = ('', '');
    vec($readable, fileno $_, 1) = 1 for @$from;
    vec($writable, fileno $_, 1) = 1 for @$to;
    my $count = select($readable, $writable, undef, $seconds > 0 ? $seconds : 0);
    return $count > 0 ? ($readable, $writable) : ('', '');
}

sub nonblocking {
    for my $handle (@_) {
        fcntl($handle, F_SETFL, fcntl($handle, F_GETFL, 0) | O_NONBLOCK) or die "fcntl: $!";
    }
}

sub take {
    my ($size) = @_;
    my $taken = '';
    while (length $taken < $size) {
        my $count = sysread(STDIN, $taken, $size - length $taken, length $taken);
        next if !defined $count && $!{EINTR};
        return undef unless $count;
    }
    return $taken;
}

sub send_all {
    my ($data) = @_;
    while (length $data) {
        my $written = syswrite(STDOUT, $data, CHUNK);
        next if !defined $written && $!{EINTR};
        exit unless $written;
        substr($data, 0, $written, '');
    }
}
