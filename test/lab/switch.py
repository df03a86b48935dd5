"""The switch of a laboratory network: one TUN device per node, every packet passes through here.

Arguments: DEVICE=ADDRESS of each node. The devices are made in this process's own network
namespace; the caller moves them into the nodes' namespaces. Prints "ready", then reads commands,
one JSON object a line, and answers each with "ok":
  {"from": ADDRESS, "to": ADDRESS, "drop": bool, "delay_ms": number, "loss": 0..1, "reset": null | "all" | "new"}
A command replaces the rule for packets of that direction. The kernels that the tests run on have
no netem, so delay and loss are made here. Ends when its standard input ends.
"""
import fcntl
import heapq
import json
import os
import random
import selectors
import socket
import struct
import sys
import time

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
FIN, SYN, RST, ACK = 0x01, 0x02, 0x04, 0x10


def open_tun(name):
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    return fd


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def reset_for(packet):
    """The RST that a firewall answers this TCP packet with, or None (RFC 9293, 3.5.2)."""
    header = (packet[0] & 0x0F) * 4
    tcp = packet[header:]
    source, target, sequence, acknowledged, offset, flags = struct.unpack("!HHIIBB", tcp[:14])
    if flags & RST:
        return None
    length = len(tcp) - (offset >> 4) * 4 + bool(flags & SYN) + bool(flags & FIN)
    if flags & ACK:
        numbers = (acknowledged, 0, RST)
    else:
        numbers = (0, (sequence + length) & 0xFFFFFFFF, RST | ACK)
    pseudo = packet[16:20] + packet[12:16] + struct.pack("!BBH", 0, socket.IPPROTO_TCP, 20)
    bare = struct.pack("!HHIIBBHHH", target, source, numbers[0], numbers[1], 5 << 4, numbers[2], 0, 0, 0)
    segment = bare[:16] + struct.pack("!H", checksum(pseudo + bare)) + bare[18:]
    start = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 40, 0, 0, 64, socket.IPPROTO_TCP, 0, packet[16:20], packet[12:16])
    return start[:10] + struct.pack("!H", checksum(start)) + start[12:] + segment


def is_tcp(packet):
    return packet[9] == socket.IPPROTO_TCP


def opens_connection(packet):
    flags = packet[(packet[0] & 0x0F) * 4 + 13]
    return bool(flags & SYN) and not flags & ACK


def send(device, packet):
    try:
        os.write(device, packet)
    except OSError:
        pass  # The node is gone, or its queue is full: a network loses packets.


def main():
    devices = {}
    for argument in sys.argv[1:]:
        name, address = argument.split("=")
        devices[socket.inet_aton(address)] = open_tun(name)
    rules, waiting, count, pending = {}, [], 0, b""
    selector = selectors.DefaultSelector()
    for address, device in devices.items():
        selector.register(device, selectors.EVENT_READ, address)
    os.set_blocking(0, False)
    selector.register(0, selectors.EVENT_READ, None)
    print("ready", flush=True)
    while True:
        timeout = max(0, waiting[0][0] - time.monotonic()) if waiting else None
        for key, _ in selector.select(timeout):
            if key.data is None:
                read = os.read(0, 65536)
                if not read:
                    return
                *lines, pending = (pending + read).split(b"\n")
                for line in lines:
                    command = json.loads(line)
                    way = (socket.inet_aton(command["from"]), socket.inet_aton(command["to"]))
                    rules[way] = command
                    print("ok", flush=True)
                continue
            for _ in range(64):
                try:
                    packet = os.read(key.fd, 65536)
                except BlockingIOError:
                    break
                target = devices.get(packet[16:20])
                if packet[0] >> 4 != 4 or target is None:
                    continue
                rule = rules.get((packet[12:16], packet[16:20]))
                if rule is None:
                    send(target, packet)
                    continue
                if rule["reset"] and is_tcp(packet) and (rule["reset"] == "all" or opens_connection(packet)):
                    answer = reset_for(packet)
                    if answer:
                        send(key.fd, answer)
                    continue
                if rule["drop"] or random.random() < rule["loss"]:
                    continue
                if rule["delay_ms"] > 0:
                    count += 1
                    heapq.heappush(waiting, (time.monotonic() + rule["delay_ms"] / 1000, count, target, packet))
                else:
                    send(target, packet)
        while waiting and waiting[0][0] <= time.monotonic():
            _, _, target, packet = heapq.heappop(waiting)
            send(target, packet)


main()
