using CcExport.Engine.Mapping;

namespace CcExport.Engine.Tests.Mapping;

public sealed class ContactMapTests
{
    private static ContactMap Create(params (string Key, string Column)[] map) => ContactMap.Create(map.ToDictionary(m => m.Key, m => m.Column));

    private static string Fails(params (string Key, string Column)[] map) => Assert.Throws<CcException>(() => Create(map)).ErrorId;

    [Fact]
    public void A_map_needs_email() => Assert.Equal("MapWithoutEmail", Fails(("first_name", "F")));

    [Fact]
    public void Unknown_keys_are_refused_and_sms_is_not_offered()
    {
        Assert.Equal("MapKeyUnknown", Fails(("email", "E"), ("firstname", "F")));
        Assert.Equal("MapKeyUnknown", Fails(("email", "E"), ("sms_number", "F")));
        Assert.Equal("MapKeyUnknown", Fails(("email", "E"), ("cf:", "F")));
    }

    [Fact]
    public void A_key_counts_once_whatever_its_letters() => Assert.Equal("MapKeyTwice", Fails(("email", "E"), ("Email", "F")));

    [Fact]
    public void A_column_must_be_named() => Assert.Equal("MapColumnMissing", Fails(("email", " ")));

    [Fact]
    public void Half_a_birthday_is_refused() => Assert.Equal("MapBirthdayHalf", Fails(("email", "E"), ("birthday_day", "D")));

    [Fact]
    public void Limits_of_one_import()
    {
        (string, string)[] fields = [("email", "E"), .. Enumerable.Range(0, 25).Select(i => ($"cf:f{i}", "C"))];
        Assert.Equal(25, Create(fields).CustomFields.Count());
        Assert.Equal("MapTooManyCustomFields", Fails([.. fields, ("cf:more", "C")]));
        Assert.Equal("MapTooManyPhones", Fails(("email", "E"), ("phone", "a"), ("home_phone", "b"), ("work_phone", "c"), ("mobile_phone", "d")));
        Assert.Equal("MapTooManyAddresses", Fails(("email", "E"), ("city", "a"), ("home_city", "b"), ("work_street", "c"), ("other_zip", "d")));
    }

    [Fact]
    public void Each_column_is_read_once_and_the_address_first()
    {
        ContactMap map = Create(("last_name", "Name"), ("company_name", "Name"), ("cf:b", "B"), ("cf:a", "A"), ("EMAIL", "E"));
        Assert.Equal(["E", "Name", "A", "B"], map.Columns);
        Assert.Equal(["last_name", "company_name", "cf:a", "cf:b"], map.Fields.Select(f => f.Name));
    }
}
