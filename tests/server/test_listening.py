"""What of listening can be tested without a server."""

import os
import socket
import sys

import pytest

from digits.server.listening import accept_no_more


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has it")
def test_one_that_accepts_no_more_leaves_new_connections_to_the_others() -> None:
    with socket.create_server(("127.0.0.1", 0)) as leaving, leaving.dup() as staying:
        leaving.setblocking(False)
        accept_no_more(leaving.fileno(), os.fstat(leaving.fileno()).st_ino)
        with socket.create_connection(staying.getsockname()) as client:
            with pytest.raises(BlockingIOError):
                leaving.accept()
            accepted, _ = staying.accept()
            with accepted:
                client.sendall(b"7")
                assert accepted.recv(1) == b"7"


def test_what_has_the_descriptor_of_a_closed_socket_is_left_alone() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        inode = os.fstat(closed.fileno()).st_ino
    ours, theirs = socket.socketpair()
    with ours, theirs:
        accept_no_more(ours.fileno(), inode)
        theirs.sendall(b"7")
        assert ours.recv(1) == b"7"
