#!/bin/sh
# Written by `etcsync hooks install`; written anew there, so changes are lost.
# Tells the server that a transaction has ended; sorts after etckeeper's commit.
@ANNOUNCE@
