// PocketBase with a collection of shoes, and the command "fill" that reads them from a file with one shoe per line.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strings"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/types"
	"github.com/spf13/cobra"
)

const (
	idLengthMax   = 64
	relatedMax    = 100
	lineBytesMax  = 1 << 20
	insertColumns = "id slug title description brand category color gender price priceCents listPrice currency images " +
		"gallery href stock sizeSystem sizes likes createdAt updatedAt related"
)

func main() {
	app := pocketbase.New()

	core.AppMigrations.Register(makeShoes, nil, "1_shoes.go")

	// Skips the page that creates the first superuser.
	app.OnServe().BindFunc(func(e *core.ServeEvent) error {
		e.InstallerFunc = nil
		return e.Next()
	})

	app.RootCmd.AddCommand(&cobra.Command{
		Use:  "fill <file>",
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := app.RunAllMigrations(); err != nil {
				return err
			}
			return fill(app, args[0])
		},
	})

	if err := app.Start(); err != nil {
		log.Fatal(err)
	}
}

// makeShoes creates the public collection with the index of its lists.
func makeShoes(app core.App) error {
	// The other peers write no access log either.
	settings := app.Settings()
	settings.Logs.MaxDays = 0
	if err := app.Save(settings); err != nil {
		return err
	}

	shoes := core.NewBaseCollection("shoes")
	shoes.ListRule = types.Pointer("")
	shoes.ViewRule = types.Pointer("")
	// Ids of the shop instead of generated ones.
	id := shoes.Fields.GetByName("id").(*core.TextField)
	id.Pattern = "^[A-Za-z0-9][A-Za-z0-9_-]*$"
	id.Min, id.Max = 1, idLengthMax
	id.AutogeneratePattern = ""
	shoes.Fields.Add(
		&core.TextField{Name: "slug", Required: true},
		&core.TextField{Name: "title", Required: true},
		&core.TextField{Name: "description"},
		&core.TextField{Name: "brand"},
		&core.TextField{Name: "category"},
		&core.TextField{Name: "color"},
		&core.TextField{Name: "gender"},
		&core.NumberField{Name: "price", Required: true},
		&core.NumberField{Name: "priceCents", Required: true, OnlyInt: true},
		&core.NumberField{Name: "listPrice"},
		&core.TextField{Name: "currency", Required: true},
		&core.TextField{Name: "images"},
		&core.JSONField{Name: "gallery"},
		&core.TextField{Name: "href"},
		&core.NumberField{Name: "stock", OnlyInt: true},
		&core.TextField{Name: "sizeSystem"},
		&core.JSONField{Name: "sizes"},
		&core.NumberField{Name: "likes", OnlyInt: true},
		&core.DateField{Name: "createdAt"},
		&core.DateField{Name: "updatedAt"},
	)
	shoes.AddIndex("idx_shoes_slug", true, "slug", "")
	shoes.AddIndex("idx_shoes_category", false, "category", "")
	if err := app.Save(shoes); err != nil {
		return err
	}
	// A relation to itself needs the collection's id.
	shoes.Fields.Add(&core.RelationField{Name: "related", CollectionId: shoes.Id, MaxSelect: relatedMax})
	return app.Save(shoes)
}

// fill writes every shoe of the file in one transaction, without the checks of the record API, which hold already.
func fill(app core.App, path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()

	columns := strings.Fields(insertColumns)
	sql := fmt.Sprintf(
		"INSERT INTO {{shoes}} ([[%s]]) VALUES ({:%s})",
		strings.Join(columns, "]], [["),
		strings.Join(columns, "}, {:"),
	)
	count := 0
	err = app.RunInTransaction(func(tx core.App) error {
		insert := tx.DB().NewQuery(sql).Prepare()
		defer insert.Close()
		lines := bufio.NewScanner(file)
		lines.Buffer(nil, lineBytesMax)
		for lines.Scan() {
			values, err := valuesOf(lines.Bytes(), columns)
			if err != nil {
				return err
			}
			if _, err := insert.Bind(values).Execute(); err != nil {
				return err
			}
			count++
		}
		return lines.Err()
	})
	if err != nil {
		return err
	}
	if _, err := app.DB().NewQuery("ANALYZE").Execute(); err != nil {
		return err
	}
	fmt.Println(count)
	return nil
}

// valuesOf turns a line into the values of a row: lists as JSON, times as PocketBase writes them, null as a zero value.
func valuesOf(line []byte, columns []string) (dbx.Params, error) {
	var parsed struct {
		Shoe    map[string]any  `json:"shoe"`
		Related json.RawMessage `json:"related"`
	}
	if err := json.Unmarshal(line, &parsed); err != nil {
		return nil, err
	}
	values := dbx.Params{}
	for _, column := range columns {
		switch value := parsed.Shoe[column]; column {
		case "related":
			values[column] = string(parsed.Related)
		case "gallery", "sizes":
			text, err := json.Marshal(value)
			if err != nil {
				return nil, err
			}
			values[column] = string(text)
		case "createdAt", "updatedAt":
			time, err := types.ParseDateTime(value)
			if err != nil {
				return nil, err
			}
			values[column] = time.String()
		case "listPrice":
			values[column] = value
			if value == nil {
				values[column] = 0
			}
		default:
			values[column] = value
			if value == nil {
				values[column] = ""
			}
		}
	}
	return values, nil
}
