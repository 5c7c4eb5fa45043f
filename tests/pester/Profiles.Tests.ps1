# Profiles as objects: what people do with objects works on them.
BeforeAll {
    . $PSScriptRoot/common.ps1
    Import-Module $Manifest
    $Folder = New-TempFolder
    $Csv = Join-Path $Folder 'people.csv'
    Set-Content $Csv @'
CustomerId,E-Mail Address,FirstName,Country,Value,ToJson
c1,ann@example.com,Ann,UA,1,
c2,bob@example.com,"B,ob",PL,2,x
c3,zoe@example.com,Zoë,UA,,y
'@
}

AfterAll { Remove-Item $Folder -Recurse -Force }

Describe 'A profile' {
    It 'has its columns as properties, whatever they are called' {
        $profiles = @(Get-CcProfile -Path $Csv)
        $profiles.Count | Should -Be 3
        $profiles[0].PSTypeNames[0] | Should -Be 'CcExport.Profile'
        $profiles[2].'E-Mail Address' | Should -Be 'zoe@example.com'
        $profiles[1].firstname | Should -Be 'B,ob'
        $profiles[0].PSObject.Properties.Name | Should -Be 'CustomerId', 'E-Mail Address', 'FirstName', 'Country', 'Value', 'ToJson'
        ($profiles[0] | Get-Member -MemberType Properties).Name | Should -Contain 'E-Mail Address'
        $profiles[0] -is [CcExport.Profile] | Should -BeTrue
    }

    It 'is filtered, selected, sorted, grouped and counted as any object' {
        (Get-CcProfile -Path $Csv | Where-Object Country -eq 'UA').CustomerId | Should -Be 'c1', 'c3'
        (Get-CcProfile -Path $Csv | Where-Object { $_.Value -gt 1 }).CustomerId | Should -Be 'c2'
        (Get-CcProfile -Path $Csv | Sort-Object FirstName -Descending | Select-Object -First 1).CustomerId | Should -Be 'c3'
        (Get-CcProfile -Path $Csv | Group-Object Country | Where-Object Name -eq 'UA').Count | Should -Be 2
        (Get-CcProfile -Path $Csv | Select-Object CustomerId, @{ n = 'Up'; e = { $_.FirstName.ToUpperInvariant() } })[0].Up | Should -Be 'ANN'
        Get-CcProfile -Path $Csv | ForEach-Object Country | Should -Be 'UA', 'PL', 'UA'
    }

    It 'goes to CSV, JSON, tables and XML and comes back' {
        Get-CcProfile -Path $Csv | ConvertTo-Csv | Should -Be (Import-Csv $Csv | ConvertTo-Csv)
        Get-CcProfile -Path $Csv | ConvertTo-Json | Should -Be (Import-Csv $Csv | ConvertTo-Json)
        Get-CcProfile -Path $Csv -Property CustomerId, Country | Format-Table | Out-String | Should -Match '(?s)CustomerId\s+Country.*c1\s+UA'
        $xml = Join-Path $Folder 'people.xml'
        Get-CcProfile -Path $Csv | Export-Clixml $xml
        (Import-Clixml $xml)[1].'E-Mail Address' | Should -Be 'bob@example.com'
    }

    It 'can be changed, and given more' {
        $profile1 = Get-CcProfile -Path $Csv -First 1
        $profile1.FirstName = 'Anna-Maria Θ'
        $profile1.Country = $null
        $profile1 | Add-Member -NotePropertyName Score -NotePropertyValue 7
        $profile1.FirstName, $profile1.Country, $profile1.CustomerId, $profile1.'E-Mail Address', $profile1.Score | Should -Be 'Anna-Maria Θ', '', 'c1', 'ann@example.com', 7
    }

    It 'completes its properties' {
        $script:SomeProfile = Get-CcProfile -Path $Csv -First 1
        (TabExpansion2 '$SomeProfile.Cou' 16).CompletionMatches.CompletionText | Should -Contain 'Country'
    }

    It 'is read from headings that cannot be properties of a type' {
        $odd = Join-Path $Folder 'odd.csv'
        Set-Content $odd "GetType,EMail`nx,a@example.com"
        (Get-CcProfile -Path $odd).EMail | Should -Be 'a@example.com'
        (Get-CcProfile -Path $odd).PSObject.Properties['GetType'].Value | Should -Be 'x'
    }

    It 'is exported with the bytes that were read, changed values and added properties' {
        $simulator = Start-CcSimulator
        try {
            $null = $simulator | New-CcConnection -AcceptDataPrivacy
            $run = Get-CcProfile -Path $Csv | Where-Object Country -eq 'UA' | ForEach-Object {
                if ($_.CustomerId -eq 'c1') { $_.FirstName = 'Anna' }
                $_ | Add-Member -NotePropertyName Last -NotePropertyValue "L$($_.CustomerId)" -PassThru
            } | Invoke-CcExport -Connection Simulator -ListId $simulator.ListId -Map @{ email = 'e-mail address'; first_name = 'FirstName'; last_name = 'Last' }
            $run.Status, $run.Accepted | Should -Be 'Completed', 2
            $members = Invoke-RestMethod "$($simulator.Url)admin/lists/$($simulator.ListId)/contacts.csv" | ConvertFrom-Csv | Sort-Object first_name
            $members.first_name | Should -Be 'Anna', 'Zoë'
            $members.last_name | Should -Be 'Lc1', 'Lc3'
        }
        finally { Stop-CcSimulator }
    }
}
