using System.Buffers.Binary;
using System.Security.Cryptography;
using CcExport.Engine.Store;

namespace CcExport.Engine.Fingerprints;

/// <summary>
/// Fingerprints on disk: sorted records in pieces, each encrypted (AES-256-GCM) under the file's own key, with the file's name, the piece's number and, of the last
/// one, the number of all records as associated data. A file is written once, flushed, and never changed; without its key, which is kept wrapped by the key ring, nobody
/// can ask it whether it knows an address.
/// </summary>
internal static class FingerprintFile
{
    internal const int NonceSize = 12, TagSize = 16, HeadSize = 12, PieceRecords = 16 * 1024;

    /// <summary>Pieces of files of the first version, which had the number of all records with each.</summary>
    internal const int FormerPieceRecords = 64 * 1024;

    internal static ReadOnlySpan<byte> Magic => "CCF2"u8;
    internal static ReadOnlySpan<byte> FormerMagic => "CCF1"u8;

    public static byte[] NewKey() => RandomNumberGenerator.GetBytes(32);

    public static string PathOf(CcHome home, string name) => Path.Combine(home.FingerprintFolder, name + ".bin");

    /// <summary>Writes a new file and returns its name. It is on the disk when this completes.</summary>
    public static string Write(CcHome home, ReadOnlySpan<Fingerprint> all, byte[] key)
    {
        using var writer = new FingerprintWriter(home, key);
        foreach (Fingerprint one in all) writer.Add(one);
        return writer.Complete();
    }

    /// <summary><c>FingerprintsDamaged</c> when the file is gone, cut or changed.</summary>
    public static FingerprintTable Read(CcHome home, string name, byte[] key)
    {
        using var reader = new FingerprintReader(home, name, key);
        return new FingerprintTable(checked((int)reader.Count), all =>
        {
            for (int i = 0; i < all.Length; i++, reader.Next()) all[i] = reader.Current;
        });
    }

    /// <summary>Removes a file that nothing names any more. One that cannot be removed now is removed with the next.</summary>
    public static void Remove(CcHome home, string name)
    {
        try
        {
            File.Delete(PathOf(home, name));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Its key is gone with its row: what stays is noise.
        }
    }

    /// <param name="count">Number of all records where it is known with the piece; -1: more follow.</param>
    internal static byte[] Associated(string name, int piece, int count)
    {
        byte[] associated = new byte[name.Length + 8];
        System.Text.Encoding.ASCII.GetBytes(name, associated);
        BinaryPrimitives.WriteInt32LittleEndian(associated.AsSpan(name.Length), piece);
        BinaryPrimitives.WriteInt32LittleEndian(associated.AsSpan(name.Length + 4), count);
        return associated;
    }

    internal static CcException Damaged(Exception? cause) => new("FingerprintsDamaged", CcErrorKind.Storage, "What this export sent before cannot be read any more: the file is gone or was changed.",
        "Invoke-CcExport -Full forgets it and begins anew. People who left the list meanwhile can then not be told from new ones: check the list first.", cause);
}
