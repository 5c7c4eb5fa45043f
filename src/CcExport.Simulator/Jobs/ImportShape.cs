using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace CcExport.Simulator.Jobs;

/// <summary>What the import call itself looks at: shape, lists and sizes. The values of the rows are the job's business.</summary>
internal sealed class ImportShape
{
    public const int MaxBytes = 4_000_000;
    public const int MaxRows = 40_000;
    private readonly byte[] _scratch = new byte[4_096];

    /// <summary>Where the array of rows begins in the body.</summary>
    public int RowsStart { get; private set; }

    /// <summary>Rows inside both limits.</summary>
    public int Rows { get; private set; }

    /// <summary>Rows beyond a limit.</summary>
    public int Dropped { get; private set; }

    public List<string> ListIds { get; } = [];

    /// <summary>The first thing wrong, in words; null when nothing is.</summary>
    public string? Problem { get; private set; }

    public static ImportShape Check(ReadOnlySpan<byte> body)
    {
        var shape = new ImportShape();
        if (!Utf8.IsValid(body))
        {
            shape.Problem = "The request body is not valid UTF-8.";
            return shape;
        }

        try
        {
            shape.Read(body);
        }
        catch (JsonException e)
        {
            shape.Problem = $"The request body is not valid JSON at byte {e.BytePositionInLine} of line {e.LineNumber}.";
        }
        catch (InvalidOperationException)
        {
            shape.Problem = "The request body has text that is not valid Unicode.";
        }

        return shape;
    }

    private void Read(ReadOnlySpan<byte> body)
    {
        var reader = new Utf8JsonReader(body);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
        {
            Problem = "The request body must be an object.";
            return;
        }

        bool sawLists = false, sawRows = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName && Problem is null)
        {
            if (reader.ValueTextEquals("import_data"u8))
            {
                sawRows = true;
                ReadRows(ref reader);
            }
            else if (reader.ValueTextEquals("list_ids"u8))
            {
                sawLists = true;
                ReadLists(ref reader);
            }
            else if (reader.ValueTextEquals("sms_permission_to_send"u8))
            {
                reader.Read();
                bool known = reader.TokenType == JsonTokenType.String
                    && (reader.ValueTextEquals("explicit"u8) || reader.ValueTextEquals("not_set"u8));
                if (!known) Problem = "sms_permission_to_send does not have a valid value";
            }
            else
            {
                Problem = $"{reader.GetString()} is not a known property";
            }
        }

        if (Problem is not null) return;
        if (reader.Read()) Problem = "The request body must be one object.";
        else if (!sawRows) Problem = "import_data is required";
        else if (!sawLists) Problem = "list_ids is required";
        else if (Rows + Dropped == 0) Problem = "import_data must not be empty";
        else if (ListIds.Count is 0 or > 50) Problem = "list_ids must hold 1 to 50 ids";
    }

    private void ReadLists(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            Problem = "list_ids must be an array";
            return;
        }

        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            string? id = reader.TokenType == JsonTokenType.String ? reader.GetString() : null;
            if (!Guid.TryParseExact(id, "D", out _))
            {
                Problem = "list_id is in an invalid format.";
                return;
            }

            if (!ListIds.Contains(id!, StringComparer.OrdinalIgnoreCase)) ListIds.Add(id!);
        }
    }

    private void ReadRows(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            Problem = "import_data must be an array";
            return;
        }

        RowsStart = (int)reader.TokenStartIndex;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.StartObject)
            {
                Problem = $"import_data[{Rows + Dropped}] must be an object";
                return;
            }

            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                ReadOnlySpan<byte> name = reader.ValueSpan;
                Unescape(ref reader);
                reader.Read();
                Unescape(ref reader);
                bool fits = reader.TokenType is JsonTokenType.String or JsonTokenType.Null
                    || (reader.TokenType == JsonTokenType.Number && name.StartsWith("birthday_"u8));
                if (fits) continue;
                Problem = $"import_data[{Rows + Dropped}].{Encoding.UTF8.GetString(name)} does not have a valid value";
                return;
            }

            if (Dropped == 0 && Rows < MaxRows && reader.BytesConsumed <= MaxBytes) Rows++;
            else Dropped++;
        }
    }

    /// <summary>A lone surrogate in an escape throws here, in the call, and not later in the job.</summary>
    private void Unescape(ref Utf8JsonReader reader)
    {
        if (!reader.ValueIsEscaped) return;
        if (reader.ValueSpan.Length <= _scratch.Length) reader.CopyString(_scratch);
        else reader.GetString();
    }
}
