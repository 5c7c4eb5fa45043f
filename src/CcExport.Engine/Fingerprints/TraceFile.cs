using System.Globalization;
using System.Security.Cryptography;
using CcExport.Engine.Store;

namespace CcExport.Engine.Fingerprints;

/// <summary>
/// Who was in a run, on disk: records in pieces, in the order in which they came, each piece encrypted (AES-256-GCM) under the file's own key with the run, the part and the
/// piece's number as associated data. The key stands at its beginning, wrapped by the key ring. A run has at most two: what reading held out, and what was sent.
/// Asking for an address goes through all of it: 40 MB for a million, some ten milliseconds.
/// </summary>
internal static class TraceFile
{
    public const int NonceSize = 12, TagSize = 16, PieceHead = 4 + NonceSize + TagSize, PieceRecords = 16 * 1024, MostKeyBytes = 4096;
    internal static ReadOnlySpan<byte> Magic => "CCT1"u8;

    public static string PathOf(CcHome home, long run, TracePart part)
        => Path.Combine(home.TraceFolder, string.Create(CultureInfo.InvariantCulture, $"{run}.{(part == TracePart.Held ? "held" : "sent")}"));

    /// <summary>Where it is written until it is whole.</summary>
    internal static string NewOf(string path) => path + ".new";

    /// <summary>What was begun is of no use to anybody, and who is in it is somebody. What cannot be removed now goes with the run's trace, or with the next erasure.</summary>
    internal static void RemoveUnfinished(string path)
    {
        try
        {
            File.Delete(NewOf(path));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It is encrypted, and its key is nowhere else.
        }
    }

    public static bool Exists(CcHome home, long run, TracePart part) => File.Exists(PathOf(home, run, part));

    /// <summary>Calls <paramref name="each"/> with every record of an address. Nothing happens where there is no file; <c>TraceDamaged</c> when it is cut or changed.</summary>
    public static void Find(CcHome home, long run, TracePart part, Func<byte[], byte[]> unwrap, UInt128 address, Action<TraceRecord> each)
        => ForEachPiece(home, run, part, unwrap, piece =>
        {
            for (int at = 0; at < piece.Length; at += TraceRecord.Size)
            {
                if (TraceRecord.AddressOf(piece[at..]) == address) each(TraceRecord.Get(piece[at..]));
            }
        });

    /// <summary>Writes the file anew without an address, under a new key; returns how many records went. The file is the old or the new one, whatever happens.</summary>
    /// <param name="isOver">Nobody writes it any more: what is unfinished is of a process that died, and goes without being looked through.</param>
    public static int Erase(CcHome home, long run, TracePart part, Func<byte[], byte[]> unwrap, Func<byte[], byte[]> wrap, UInt128 address, bool isOver)
    {
        int gone = 0, kept = 0;
        if (isOver && Directory.Exists(home.TraceFolder)) Remove(home, NewOf(PathOf(home, run, part)));
        Find(home, run, part, unwrap, address, _ => gone++);
        if (gone == 0) return 0;
        using var writer = new TraceWriter(home, run, part, wrap);
        ForEachPiece(home, run, part, unwrap, piece =>
        {
            for (int at = 0; at < piece.Length; at += TraceRecord.Size)
            {
                if (TraceRecord.AddressOf(piece[at..]) == address) continue;
                writer.Add(TraceRecord.Get(piece[at..]));
                kept++;
            }
        });
        if (kept > 0) writer.Complete();
        else Remove(home, PathOf(home, run, part));
        return gone;
    }

    private delegate void TakePiece(ReadOnlySpan<byte> records);

    private static void ForEachPiece(CcHome home, long run, TracePart part, Func<byte[], byte[]> unwrap, TakePiece take)
    {
        byte[] buffer = new byte[PieceHead + (PieceRecords * TraceRecord.Size)];
        try
        {
            using FileStream file = CcHome.CreateFile(PathOf(home, run, part), FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, options: FileOptions.SequentialScan);
            file.ReadExactly(buffer, 0, 8);
            int keyBytes = BitConverter.ToInt32(buffer, 4);
            if (!buffer.AsSpan(0, 4).SequenceEqual(Magic) || keyBytes is < 1 or > MostKeyBytes) throw Damaged(run, null);
            byte[] wrapped = new byte[keyBytes];
            file.ReadExactly(wrapped);
            using var aes = new AesGcm(unwrap(wrapped), TagSize);
            for (int number = 0; ; number++)
            {
                file.ReadExactly(buffer, 0, PieceHead);
                int records = BitConverter.ToInt32(buffer, 0);
                if (records is < 0 or > PieceRecords) throw Damaged(run, null);
                Span<byte> text = buffer.AsSpan(PieceHead, records * TraceRecord.Size);
                file.ReadExactly(text);
                aes.Decrypt(buffer.AsSpan(4, NonceSize), text, buffer.AsSpan(4 + NonceSize, TagSize), text, Associated(run, part, number, records));
                // The empty piece is the end: a file that was cut has none.
                if (records == 0) return;
                take(text);
            }
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw Damaged(run, e);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(buffer);
        }
    }

    internal static byte[] Associated(long run, TracePart part, int piece, int records)
        => [.. BitConverter.GetBytes(run), (byte)part, .. BitConverter.GetBytes(piece), .. BitConverter.GetBytes(records)];

    private static void Remove(CcHome home, string path)
    {
        try
        {
            File.Delete(path);
            Durable.FlushDirectory(home.TraceFolder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw home.NotWritable(e);
        }
    }

    /// <summary>Removes what a run left. What cannot be removed now stays encrypted.</summary>
    public static void Delete(CcHome home, long run)
    {
        try
        {
            foreach (TracePart part in Enum.GetValues<TracePart>())
            {
                File.Delete(PathOf(home, run, part));
                File.Delete(NewOf(PathOf(home, run, part)));
            }
        }
        catch (DirectoryNotFoundException)
        {
            // Then there is nothing to remove either.
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw home.NotWritable(e);
        }
    }

    /// <summary>All runs that left one.</summary>
    public static IReadOnlyList<long> Runs(CcHome home) => !Directory.Exists(home.TraceFolder) ? []
        : [.. Directory.EnumerateFiles(home.TraceFolder).Select(f => long.TryParse(Path.GetFileName(f).Split('.')[0], NumberStyles.None, CultureInfo.InvariantCulture, out long run) ? run : 0).Where(r => r > 0).Distinct().Order()];

    private static CcException Damaged(long run, Exception? cause) => new("TraceDamaged", CcErrorKind.Storage,
        FormattableString.Invariant($"Who was in run {run} cannot be read any more: its file was cut or changed."), "The run's numbers and rejections are not touched by it.", cause);
}

/// <summary>The two files of a run.</summary>
internal enum TracePart : byte
{
    /// <summary>Who was read and not sent.</summary>
    Held,
    /// <summary>Who was sent; written when the run ends.</summary>
    Sent,
}
