"""Raw conversations with an instance, and what two of them have in common."""

import re
import socket
import time

_OF_A_MOMENT = b"Date: ", b"Server-Timing: "
_GENERATED_ID = re.compile(rb"[0-9a-f]{32}")


def exchange(address, packets):
    """Send the packets, say that no more will come, and return all that comes back."""
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=20) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        received = []
        try:
            for number, packet in enumerate(packets):
                if number and len(packets) > 1:
                    time.sleep(0.0005)  # so that they arrive as several
                client.sendall(packet)
            client.shutdown(socket.SHUT_WR)
            while data := client.recv(1 << 16):
                received.append(data)
        except (BrokenPipeError, ConnectionResetError):
            pass
        return b"".join(received)


def answers(stream):
    """Status line, headers and body of every answer in a stream, without what differs from one moment to the next."""
    found = []
    while stream:
        head, _, stream = stream.partition(b"\r\n\r\n")
        status, *headers = head.split(b"\r\n")
        lengths = [int(header[16:]) for header in headers if header.lower().startswith(b"content-length: ")]
        # What a HEAD would have had is announced and not sent: then the next answer follows at once.
        length = 0 if not lengths or stream[:7] == b"HTTP/1." else lengths[0]
        body, stream = stream[:length], stream[length:]
        if b"Content-Type: text/html" in headers or b'"instance":""' in body:
            # A refusal by gunicorn's parser. Which of several mistakes it names depends on how much had arrived; and
            # where gunicorn's worker answers in HTML, ours does not.
            found.append((status.split()[1], [], b""))
        else:
            found.append((status, sorted(_lasting(one) for one in headers if not one.startswith(_OF_A_MOMENT)), body))
    return found


def _lasting(header):
    return _GENERATED_ID.sub(b"generated", header) if header.startswith(b"X-Request-Id: ") else header
