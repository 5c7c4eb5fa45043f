using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Unicode;
using CcExport.Simulator.State;

namespace CcExport.Simulator.Jobs;

/// <summary>What the import call itself judges: request, lists and sizes. What is wrong with single rows is for the job to say.</summary>
internal sealed class ImportRequest
{
    public const int MaxBytes = 4_000_000;
    public const int MaxRows = 40_000;

    /// <summary>The rows in the form that <see cref="RowCursor"/> reads.</summary>
    public byte[] Data { get; private set; } = [];

    public IReadOnlyList<string> Reasons { get; private set; } = [];

    /// <summary>Rows inside both limits.</summary>
    public int Rows { get; private set; }

    /// <summary>Rows beyond a limit.</summary>
    public int Dropped { get; private set; }

    public List<string> ListIds { get; } = [];

    /// <summary>The first thing wrong, in words; null when nothing is.</summary>
    public string? Problem { get; private set; }

    public static ImportRequest Read(ReadOnlySpan<byte> body, FieldTable table, SimulatorSwitches switches)
    {
        var request = new ImportRequest();
        if (!Utf8.IsValid(body))
        {
            request.Problem = "The request body is not valid UTF-8.";
            return request;
        }

        try
        {
            using var rows = new RowParser(table, switches, body.Length / 2);
            request.Read(body, rows);
            request.Data = rows.Rows;
            request.Reasons = rows.Reasons;
        }
        catch (JsonException e)
        {
            request.Problem = $"The request body is not valid JSON at byte {e.BytePositionInLine} of line {e.LineNumber}.";
        }
        catch (InvalidOperationException)
        {
            request.Problem = "The request body has text that is not valid Unicode.";
        }

        return request;
    }

    private void Read(ReadOnlySpan<byte> body, RowParser rows)
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
                ReadRows(ref reader, rows);
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

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void ReadRows(ref Utf8JsonReader reader, RowParser rows)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            Problem = "import_data must be an array";
            return;
        }

        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.StartObject)
            {
                Problem = $"import_data[{Rows + Dropped}] must be an object";
                return;
            }

            // The end of the row is not known yet; what lies wholly inside is at most a row too many, taken back below.
            bool keep = Dropped == 0 && Rows < MaxRows;
            int mark = rows.Mark;
            if (rows.Read(ref reader, keep) is { } name)
            {
                Problem = $"import_data[{Rows + Dropped}].{name} does not have a valid value";
                return;
            }

            if (keep && reader.BytesConsumed <= MaxBytes)
            {
                Rows++;
                continue;
            }

            rows.Mark = mark;
            Dropped++;
        }
    }
}
