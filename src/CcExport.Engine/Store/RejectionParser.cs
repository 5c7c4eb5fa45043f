using System.Runtime.CompilerServices;
using System.Text.Json;

namespace CcExport.Engine.Store;

/// <summary>Reads one line of a rejection file. Segments, fields and reasons repeat from line to line, and are kept.</summary>
internal sealed class RejectionParser(string path)
{
    private string? segment;
    private string? winnerSegment;
    private string? field;
    private string? reason;
    private string? kindName;
    private RejectionKind kind;

    public RejectionRecord Parse(ReadOnlySpan<byte> line)
    {
        try
        {
            return ParseObject(line);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException or ArgumentException)
        {
            throw Unreadable(path, e);
        }
    }

    /// <summary>Whether a line is of what was found while reading, by its first member.</summary>
    public static bool IsOfReading(ReadOnlySpan<byte> line)
        => line.StartsWith("{\"kind\":\"Invalid\""u8) || line.StartsWith("{\"kind\":\"Duplicate\""u8) || line.StartsWith("{\"kind\":\"Noted\""u8);

    public static CcException Unreadable(string path, Exception cause) =>
        new("RejectionsUnreadable", CcErrorKind.Storage, $"The rejection file '{path}' cannot be read.",
            "It was changed or damaged; the run's numbers are not affected.", cause)
        { Subject = path };

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private RejectionRecord ParseObject(ReadOnlySpan<byte> line)
    {
        var json = new Utf8JsonReader(line);
        long row = 0, winnerRow = 0;
        int count = 1;
        int? batch = null;
        string? key = null, foundSegment = null, foundField = null, foundReason = null, foundKind = null, text = null, foundWinnerSegment = null, winnerKey = null;
        json.Read();
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            // The first letters differ, and a later version's members are passed over.
            ReadOnlySpan<byte> name = json.ValueSpan;
            bool isKind = name.SequenceEqual("kind"u8), isRow = name.SequenceEqual("row"u8), isSegment = name.SequenceEqual("segment"u8),
                isKey = name.SequenceEqual("key"u8), isField = name.SequenceEqual("field"u8), isReason = name.SequenceEqual("reason"u8),
                isCount = name.SequenceEqual("count"u8), isBatch = name.SequenceEqual("batch"u8), isText = name.SequenceEqual("text"u8),
                isWinnerRow = name.SequenceEqual("winnerRow"u8), isWinnerSegment = name.SequenceEqual("winnerSegment"u8), isWinnerKey = name.SequenceEqual("winnerKey"u8);
            json.Read();
            if (isKind)
            {
                foundKind = Kept(ref json, ref kindName);
            }
            else if (isRow)
            {
                row = json.GetInt64();
            }
            else if (isSegment)
            {
                foundSegment = Kept(ref json, ref segment);
            }
            else if (isKey)
            {
                key = json.GetString();
            }
            else if (isField)
            {
                foundField = Kept(ref json, ref field);
            }
            else if (isReason)
            {
                foundReason = Kept(ref json, ref reason);
            }
            else if (isCount)
            {
                count = json.GetInt32();
            }
            else if (isBatch)
            {
                batch = json.GetInt32();
            }
            else if (isText)
            {
                text = json.GetString();
            }
            else if (isWinnerRow)
            {
                winnerRow = json.GetInt64();
            }
            else if (isWinnerSegment)
            {
                foundWinnerSegment = Kept(ref json, ref winnerSegment);
            }
            else if (isWinnerKey)
            {
                winnerKey = json.GetString();
            }
            else
            {
                json.Skip();
            }
        }
        return new RejectionRecord(KindOf(foundKind), row, foundSegment, key, foundField, foundReason ?? throw new JsonException(), count, batch, text,
            winnerRow, foundWinnerSegment, winnerKey);
    }

    private RejectionKind KindOf(string? name)
    {
        if (name is null || name != kind.ToString())
        {
            kind = Enum.Parse<RejectionKind>(name ?? throw new JsonException());
        }
        return kind;
    }

    private static string? Kept(ref Utf8JsonReader json, ref string? last)
    {
        if (last is null || !json.ValueTextEquals(last))
        {
            last = json.GetString();
        }
        return last;
    }
}
