package io.quorate.tree;

/**
 * What is known of a znode beside its data, under ZooKeeper's names.
 *
 * @param czxid zxid of its creation
 * @param mzxid zxid of its last data change
 * @param ctime its creation, log time, milliseconds since 1970
 * @param mtime its last data change, likewise
 * @param version how often the data was set; it wraps to negative after 2^31 - 1
 * @param cversion how often a child came or went
 * @param aversion how often the ACL was set
 * @param ephemeralOwner the session it belongs to; 0 when it is not ephemeral
 * @param dataLength bytes; 0 for null data
 * @param pzxid zxid of the last coming or going of a child, or of its own creation
 */
public record Stat(
    long czxid,
    long mzxid,
    long ctime,
    long mtime,
    int version,
    int cversion,
    int aversion,
    long ephemeralOwner,
    int dataLength,
    int numChildren,
    long pzxid) {}
