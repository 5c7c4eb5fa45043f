using CcExport.Engine.PreImages;
using CcExport.Engine.Store;

namespace CcExport.Engine.Exports;

/// <summary>What contacts were before runs: the files are written anew without the person. Her number stays, so that those of the others do; nothing finds it any more.</summary>
internal sealed class PreImageEraser(EngineParts parts) : IPersonalData
{
    public string What => "FormerValues";

    public async Task<long> EraseAsync(UInt128 address, CancellationToken ct)
    {
        long gone = 0;
        foreach (PreImageRecord one in await parts.Store.PreImages.ListAsync(ct).ConfigureAwait(false))
        {
            if (one is not { Key: { } wrapped, File: { } file }) continue;
            byte[] key = parts.Secrets.Unprotect(PreImageTaker.KeyPurpose, wrapped), freshKey = PreImageFile.NewKey();
            if (Find(one.RunId, file, key, address) is not { } at) continue;
            string fresh = PreImageFile.NewName(one.RunId);
            using (var writer = new PreImageWriter(parts.Home, fresh, one.RunId, freshKey))
            {
                using var reader = new PreImageReader(parts.Home, file, one.RunId, key);
                while (reader.Next() is { } piece) Copy(piece.Kind, piece.Records, writer, address, at);
                writer.Complete();
            }
            await parts.Store.PreImages.PutAsync(one with { File = fresh, Key = parts.Secrets.Protect(PreImageTaker.KeyPurpose, freshKey) }, ct).ConfigureAwait(false);
            PreImageFile.Remove(parts.Home, file);
            gone++;
        }
        return gone;
    }

    private int? Find(long runId, string file, byte[] key, UInt128 address)
    {
        using var reader = new PreImageReader(parts.Home, file, runId, key);
        int at = 0;
        while (reader.Next() is { Kind: PieceKind.Sent } piece)
        {
            for (ReadOnlySpan<byte> records = piece.Records; !records.IsEmpty; at++)
            {
                if (SentRecord.Read(ref records).Address == address) return at;
            }
        }
        return null;
    }

    private static void Copy(PieceKind kind, ReadOnlySpan<byte> records, PreImageWriter writer, UInt128 address, int at)
    {
        while (!records.IsEmpty)
        {
            if (kind == PieceKind.Sent)
            {
                SentRecord sent = SentRecord.Read(ref records);
                (sent.Address == address ? new SentRecord { Segment = sent.Segment } : sent).Write(writer.Begin(kind));
                continue;
            }
            OldRecord old = OldRecord.Read(ref records);
            if (old.At != at) old.Write(writer.Begin(kind));
        }
    }
}
