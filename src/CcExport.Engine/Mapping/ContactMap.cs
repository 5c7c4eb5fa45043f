using System.Text.Json;

namespace CcExport.Engine.Mapping;

/// <summary>One contact field, the column that feeds it, and what it takes.</summary>
internal readonly record struct MappedField(string Name, JsonEncodedText Key, int Column, FieldKind Kind, int Limit);

/// <summary>
/// Which profile column feeds which contact field, checked: <c>email</c> is there, each key is known and there once, no more
/// custom fields, phones and addresses than one contact takes.
/// </summary>
internal sealed class ContactMap
{
    private const int MostPhones = 3, MostAddresses = 3;

    private ContactMap(string[] columns, MappedField[] fields, int birthdayMonth, int birthdayDay)
    {
        Columns = columns;
        Fields = fields;
        BirthdayMonth = birthdayMonth;
        BirthdayDay = birthdayDay;
    }

    /// <summary>The columns to read, each once; the address's comes first.</summary>
    public IReadOnlyList<string> Columns { get; }

    /// <summary>All fields but the address, in the order they are sent.</summary>
    public MappedField[] Fields { get; }

    /// <summary>Positions of the birthday's halves in <see cref="Fields"/>, or -1: one is never sent without the other.</summary>
    public int BirthdayMonth { get; }

    public int BirthdayDay { get; }

    /// <summary>Names of the custom fields it uses, without <c>cf:</c>.</summary>
    public IEnumerable<string> CustomFields
        => Fields.Where(f => f.Name.StartsWith(StandardFields.CustomPrefix, StringComparison.Ordinal)).Select(f => f.Name[StandardFields.CustomPrefix.Length..]);

    /// <summary>Checks and compiles a map of contact field to profile column.</summary>
    public static ContactMap Create(IReadOnlyDictionary<string, string> map)
    {
        var fields = new Dictionary<string, (StandardField Field, string Column)>(StringComparer.OrdinalIgnoreCase);
        foreach ((string key, string column) in map)
        {
            StandardField field = Field(key.Trim());
            if (string.IsNullOrWhiteSpace(column))
                throw Wrong("MapColumnMissing", $"The map gives no column for '{field.Name}'.", "Name the profile column that feeds it, or leave the field out.");
            if (!fields.TryAdd(field.Name, (field, column)))
                throw Wrong("MapKeyTwice", $"The map has '{field.Name}' twice.", "Keep one of them.");
        }
        if (!fields.TryGetValue(StandardFields.Email, out (StandardField Field, string Column) email))
        {
            throw Wrong("MapWithoutEmail", "The map has no 'email': without an address there is no contact.",
                "Add it: -Map @{ email = '<the column with the address>'; … }.");
        }
        CheckNumbers(fields.Values);

        List<string> columns = [email.Column];
        List<MappedField> mapped = [];
        // A fixed order, the standard fields as the service lists them and then custom fields by name: equal input gives equal bytes.
        foreach ((StandardField field, string column) in fields.Values.OrderBy(f => Order(f.Field)).ThenBy(f => f.Field.Name, StringComparer.Ordinal))
        {
            if (field.Kind == FieldKind.Email) continue;
            int position = columns.IndexOf(column);
            if (position < 0)
            {
                position = columns.Count;
                columns.Add(column);
            }
            mapped.Add(new MappedField(field.Name, JsonEncodedText.Encode(field.Name, WireJson.Encoder), position, field.Kind, field.Limit));
        }
        return new ContactMap([.. columns], [.. mapped], mapped.FindIndex(f => f.Kind == FieldKind.Month), mapped.FindIndex(f => f.Kind == FieldKind.Day));
    }

    private static int Order(StandardField field)
    {
        for (int i = 0; i < StandardFields.All.Count; i++)
        {
            if (StandardFields.All[i].Name == field.Name) return i;
        }
        return int.MaxValue;
    }

    private static StandardField Field(string key)
    {
        if (StandardFields.TryGet(key, out StandardField field)) return field;
        if (key.StartsWith(StandardFields.CustomPrefix, StringComparison.OrdinalIgnoreCase) && key.Length > StandardFields.CustomPrefix.Length)
            return new StandardField(StandardFields.CustomPrefix + key[StandardFields.CustomPrefix.Length..], FieldKind.Text, Limits.LongText);
        string? near = Profiles.Columns.Nearest(key, [.. StandardFields.All.Select(f => f.Name)]);
        throw Wrong("MapKeyUnknown", $"The map has '{key}', which is no contact field.",
            (near is null ? "" : $"Did you mean '{near}'? ") + "Use " + string.Join(", ", StandardFields.All.Take(8).Select(f => f.Name)) + ", a phone or address field, or 'cf:<name>' for a custom field (Get-CcCustomField lists them).");
    }

    private static void CheckNumbers(IReadOnlyCollection<(StandardField Field, string Column)> fields)
    {
        int custom = fields.Count(f => f.Field.Name.StartsWith(StandardFields.CustomPrefix, StringComparison.Ordinal));
        if (custom > Limits.CustomFields)
        {
            throw Wrong("MapTooManyCustomFields", $"The map has {custom} custom fields; one import takes {Limits.CustomFields}.",
                "Leave some out, or make a second export for them.");
        }
        int phones = Groups(fields, "phone:"), addresses = Groups(fields, "address:");
        if (phones > MostPhones) throw Wrong("MapTooManyPhones", $"The map has {phones} phones; a contact takes {MostPhones}.", "Leave some out.");
        if (addresses > MostAddresses) throw Wrong("MapTooManyAddresses", $"The map has {addresses} addresses; a contact takes {MostAddresses}.", "Leave some out.");
        bool month = fields.Any(f => f.Field.Kind == FieldKind.Month), day = fields.Any(f => f.Field.Kind == FieldKind.Day);
        if (month != day)
            throw Wrong("MapBirthdayHalf", "The map has only one of 'birthday_month' and 'birthday_day'; the import takes both or neither.", "Map both.");
    }

    private static int Groups(IEnumerable<(StandardField Field, string Column)> fields, string prefix)
        => fields.Select(f => f.Field.Group).Where(g => g?.StartsWith(prefix, StringComparison.Ordinal) == true).Distinct().Count();

    private static CcException Wrong(string id, string message, string remedy) => new(id, CcErrorKind.InvalidArgument, message, remedy);
}
