using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;

namespace CcExport.Engine.Store;

/// <summary>
/// Appends rejections to a run's file. Lines gather in one buffer and go to the file a block at a time; on the disk they are
/// after <see cref="FlushAsync"/> only. Any thread may write.
/// </summary>
internal sealed class RejectionWriter : IDisposable
{
    private const int BlockBytes = 64 * 1024;

    private static readonly JsonEncodedText Kind = JsonEncodedText.Encode("kind"), Row = JsonEncodedText.Encode("row"),
        Segment = JsonEncodedText.Encode("segment"), Key = JsonEncodedText.Encode("key"), Field = JsonEncodedText.Encode("field"),
        Reason = JsonEncodedText.Encode("reason"), Count = JsonEncodedText.Encode("count"), Batch = JsonEncodedText.Encode("batch"), Text = JsonEncodedText.Encode("text"),
        WinnerRow = JsonEncodedText.Encode("winnerRow"), WinnerSegment = JsonEncodedText.Encode("winnerSegment"), WinnerKey = JsonEncodedText.Encode("winnerKey");

    private static readonly JsonEncodedText[] Kinds = [.. Enum.GetNames<RejectionKind>().Select(name => JsonEncodedText.Encode(name))];

    private readonly object gate = new();
    private readonly CcHome home;
    private readonly FileStream file;
    private readonly ArrayBufferWriter<byte> block = new(BlockBytes + 4096);
    // Relaxed: the file is never put into a page, and names in any script stay readable and short.
    private readonly Utf8JsonWriter json;
    private long end;
    private bool named;
    private bool closed;

    internal RejectionWriter(CcHome home, string path)
    {
        this.home = home;
        json = new Utf8JsonWriter(block, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true });
        file = CcHome.CreateFile(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read | FileShare.Delete);
        try
        {
            CutTornLine();
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Write(in RejectionEntry entry)
    {
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(closed, this);
            json.WriteStartObject();
            json.WriteString(Kind, Kinds[(int)entry.Kind]);
            if (entry.Row != 0)
            {
                json.WriteNumber(Row, entry.Row);
            }
            if (entry.Segment is not null)
            {
                json.WriteString(Segment, entry.Segment);
            }
            if (!entry.Key.IsEmpty)
            {
                WriteKey(Key, entry.Key);
            }
            if (entry.Field is not null)
            {
                json.WriteString(Field, entry.Field);
            }
            json.WriteString(Reason, entry.ReasonId);
            if (entry.Count > 1)
            {
                json.WriteNumber(Count, entry.Count);
            }
            if (entry.Batch is { } batch)
            {
                json.WriteNumber(Batch, batch);
            }
            if (entry.Text is not null)
            {
                json.WriteString(Text, entry.Text);
            }
            if (entry.WinnerRow != 0)
            {
                json.WriteNumber(WinnerRow, entry.WinnerRow);
            }
            if (entry.WinnerSegment is not null)
            {
                json.WriteString(WinnerSegment, entry.WinnerSegment);
            }
            if (!entry.WinnerKey.IsEmpty)
            {
                WriteKey(WinnerKey, entry.WinnerKey);
            }
            json.WriteEndObject();
            json.Flush();
            json.Reset();
            block.Write("\n"u8);
            if (block.WrittenCount >= BlockBytes)
            {
                WriteBlock();
            }
        }
    }

    /// <summary>Everything written so far is on the disk when this completes.</summary>
    public Task FlushAsync(CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(closed, this);
            WriteBlock();
            try
            {
                file.Flush(flushToDisk: true);
                if (!named)
                {
                    Durable.FlushDirectory(home.RejectionsFolder);
                    named = true;
                }
            }
            catch (IOException e)
            {
                throw home.NotWritable(e);
            }
        }
        return Task.CompletedTask;
    }

    /// <summary>Writes out what is gathered and closes the file, without waiting for the disk.</summary>
    public void Dispose()
    {
        lock (gate)
        {
            if (closed)
            {
                return;
            }
            closed = true;
            try
            {
                WriteBlock();
            }
            finally
            {
                file.Dispose();
                json.Dispose();
            }
        }
    }

    // A key that is not UTF-8 must not stop a rejection from being told.
    private void WriteKey(JsonEncodedText name, ReadOnlySpan<byte> key)
    {
        if (Utf8.IsValid(key))
        {
            json.WriteString(name, key);
        }
        else
        {
            json.WriteString(name, Encoding.UTF8.GetString(key));
        }
    }

    private void WriteBlock()
    {
        try
        {
            // A full disk takes a part of a block: the next try writes over it, or a torn line would stand in the middle.
            file.Position = end;
            file.Write(block.WrittenSpan);
            end += block.WrittenCount;
            block.ResetWrittenCount();
        }
        catch (IOException e)
        {
            throw home.NotWritable(e);
        }
    }

    private void CutTornLine()
    {
        end = file.Length;
        Span<byte> piece = stackalloc byte[4096];
        while (end > 0)
        {
            int size = (int)Math.Min(piece.Length, end);
            file.Position = end - size;
            file.ReadExactly(piece[..size]);
            int last = piece[..size].LastIndexOf((byte)'\n');
            if (last >= 0)
            {
                end = end - size + last + 1;
                break;
            }
            end -= size;
        }
        file.SetLength(end);
    }
}
